// SPDX-License-Identifier: MIT
// main → outer → a closure behind a trait → Shop::serve → a spawn of std.
use std::process::Command;

struct Shop {
    open: bool,
}

impl Shop {
    #[inline(never)]
    fn serve(&mut self) {
        let status = Command::new("/bin/true").status();
        self.open = status.is_ok();
    }
}

#[inline(never)]
fn outer(callee: &dyn Fn(&mut Shop), shop: &mut Shop) {
    callee(shop);
    std::hint::black_box(&shop.open);
}

fn main() {
    let mut shop = Shop { open: false };
    outer(
        &|shop| {
            shop.serve();
            std::hint::black_box(&shop.open);
        },
        &mut shop,
    );
    std::process::exit(i32::from(!shop.open));
}
