/** The programs and maps of a process, what their variables hold, and which of them the kernel still has. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tryReadText } from '../../collector/system/files.ts';

/** As `map 12`, from the fdinfo of its descriptors. */
export function bpfObjectsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    // A connection may have been closed meanwhile.
    const info = tryReadText(`/proc/${pid}/fdinfo/${fd}`);
    return Array.from(info.matchAll(/^(map|prog)_id:\s*(\d+)$/gm), ([, kind, id]) => `${kind} ${id}`);
  });
}

/**
 * Gives what reads a variable of the programs of a process.
 * @throws {Error} if they have none of that name
 */
export function variableOf(pid: number, name: string): () => number {
  const maps = bpfObjectsOf(pid).flatMap((object) => /^map (\d+)$/.exec(object)?.[1] ?? []);
  const value = (map: string): number | undefined => {
    // It says by its status only that some maps, such as rings, cannot be dumped.
    const { stdout } = spawnSync('bpftool', ['-j', 'map', 'dump', 'id', map], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    const found = new RegExp(`"${name}":(\\d+)`).exec(stdout)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const map = maps.find((each) => value(each) !== undefined);
  if (map === undefined) throw new Error(`no map of process ${pid} has the variable ${name}`);
  return () => value(map) ?? Number.NaN;
}

export function stillThere(objects: readonly string[]): string[] {
  const present = new Set(['map', 'prog'].flatMap((kind) => idsOf(kind).map((id) => `${kind} ${id}`)));
  return objects.filter((object) => present.has(object));
}

function idsOf(kind: string): number[] {
  const objects: readonly { readonly id: number }[] = JSON.parse(
    execFileSync('bpftool', ['-j', kind, 'list'], { encoding: 'utf8' }),
  );
  return objects.map(({ id }) => id);
}
