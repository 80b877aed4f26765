// SPDX-License-Identifier: MIT
/* main → Shop::open → a virtual call → a lambda in a std::function → a template → spawn, of which `inlined` is a part. */
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

static volatile int after;

[[gnu::always_inline]] static inline void inlined()
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, nullptr, 0);
}

namespace shop
{

struct Counter {
	virtual ~Counter() = default;
	[[gnu::noinline]] virtual void serve(const std::function<void(std::string)> &customer)
	{
		customer("tea");
		after = after + 1;
	}
};

template <typename T> [[gnu::noinline]] void spawn(T)
{
	inlined();
	after = after + 1;
}

[[gnu::noinline]] void open(Counter *counter)
{
	counter->serve([](std::string) {
		spawn(1L);
		after = after + 1;
	});
	after = after + 1;
}

} // namespace shop

int main()
{
	shop::Counter counter;

	shop::open(&counter);
	return after == 0;
}
