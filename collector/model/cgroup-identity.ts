/** What people call a cgroup: a unit of systemd, a container, a pod. All of it stands in the path. */

export interface ContainerIdentity {
  /** As its runtime shows it: 64 hexadecimal digits, or a name (LXC, systemd-nspawn). */
  readonly id: string;
  /** Absent if the path does not tell, as that of a pod's container with the cgroupfs driver does not. */
  readonly runtime?: ContainerRuntime;
}

type ContainerRuntime = 'docker' | 'containerd' | 'cri-o' | 'podman' | 'lxc' | 'systemd-nspawn';

/** The innermost of each kind. A field is absent if the path names none. */
export interface CgroupIdentity {
  /** A service or scope, by the name that systemctl takes. */
  readonly unit?: string;
  readonly container?: ContainerIdentity;
  readonly podUid?: string;
}

const HEX_ID = '[0-9a-f]{64}';
const BARE_ID = new RegExp(`^${HEX_ID}$`);

/** What Kubernetes calls a pod, and a container of it. No path has that; a kubelet tells it. */
export interface PodNames {
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string;
}

export interface NamedCgroup extends CgroupIdentity {
  readonly names?: PodNames;
}

/** Knows what Kubernetes calls the pods of this host. */
export interface PodDirectory {
  /** Asks for what is not known yet. It does not fail: what cannot be asked stays unknown. */
  readonly resolve: (cgroups: readonly CgroupIdentity[]) => Promise<void>;
  readonly namesOf: (cgroup: CgroupIdentity) => PodNames | undefined;
}

/** Names of cgroups that say by themselves that they are containers. */
const CONTAINERS: readonly (readonly [RegExp, ContainerRuntime])[] = [
  [new RegExp(`^docker-(${HEX_ID})\\.scope$`), 'docker'],
  [new RegExp(`^(?:cri-containerd|nerdctl)-(${HEX_ID})\\.scope$`), 'containerd'],
  [new RegExp(`^crio-(${HEX_ID})(?:\\.scope)?$`), 'cri-o'],
  // With --cgroups=split the container lies below the service that runs podman.
  [new RegExp(`^libpod-(?:payload-)?(${HEX_ID})(?:\\.scope)?$`), 'podman'],
  [/^lxc\.payload\.(.+)$/, 'lxc'],
  [/^systemd-nspawn@(.+)\.service$/, 'systemd-nspawn'],
  // Not those of libvirt, which are virtual machines.
  [/^machine-(?!qemu|lxc|xen)(.+)\.scope$/, 'systemd-nspawn'],
];

/** Parents below which the cgroupfs driver of a runtime puts its containers by their bare ids. */
const PARENTS: ReadonlyMap<string, ContainerRuntime> = new Map([
  ['docker', 'docker'],
  ['k8s.io', 'containerd'],
  ['default', 'containerd'],
  ['moby', 'containerd'],
  ['libpod_parent', 'podman'],
]);

/** A pod has its uid in its name; a static pod has a hash, which has no dashes. */
const POD = /(?:^|-)pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/;
const UNIT = /\.(?:service|scope|socket|mount|swap)$/;

/** `path` is that of /proc/PID/cgroup or one below the mount of cgroups; of any version and driver. */
export function identifyCgroup(path: string): CgroupIdentity {
  const parts = path.split('/').flatMap(cgroupsOf);
  let identity: CgroupIdentity = {};
  for (const [i, part] of parts.entries()) {
    const podUid = POD.exec(part)?.[1]?.replaceAll('_', '-');
    const container = containerNamed(part, parts.slice(0, i));
    if (podUid !== undefined) identity = { ...withoutContainer(identity), podUid };
    if (container) identity = { ...identity, container };
    if (isUnit(part, identity)) identity = { ...identity, unit: part.replace(/^_/, '') };
  }
  return identity;
}

/**
 * A cgroup outside of this process' namespace begins with `..`. Where runc is told a path of systemd but not to use
 * systemd, the path is one cgroup: `kubepods-pod1.slice:cri-containerd:ID`.
 */
function cgroupsOf(part: string): string[] {
  if (part === '' || part === '..') return [];
  const [, slice, prefix, name] = /^([^:]+\.slice):([^:]+):(.+)$/.exec(part) ?? [];
  return slice === undefined ? [part] : [slice, `${prefix}-${name}.scope`];
}

function containerNamed(part: string, above: readonly string[]): ContainerIdentity | undefined {
  for (const [pattern, runtime] of CONTAINERS) {
    const id = pattern.exec(part)?.[1];
    if (id !== undefined) return { id: unescaped(id), runtime };
  }
  const parent = above.at(-1) ?? '';
  if (parent === 'lxc') return { id: part, runtime: 'lxc' };
  if (!BARE_ID.test(part)) return undefined;
  const runtime = above[0] === 'ecs' ? 'docker' : PARENTS.get(parent);
  return { id: part, ...(runtime && { runtime }) };
}

/** A pod's node may be a container itself, as those of kind are. */
function withoutContainer({ unit }: CgroupIdentity): CgroupIdentity {
  return unit === undefined ? {} : { unit };
}

/** A user's systemd runs in the scope `init.scope` of its own service, whose name says more. */
function isUnit(part: string, { unit }: CgroupIdentity): boolean {
  return UNIT.test(part) && !(part === 'init.scope' && unit !== undefined);
}

/** systemd-escape(1). */
function unescaped(name: string): string {
  return name.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Gives what people call the place of a process: its container, by the id that `docker ps` shows, or else its unit. */
export function placeName(cgroupPath: string): string {
  const { container, unit } = identifyCgroup(cgroupPath);
  return container ? shortId(container) : (unit?.replace(/\.service$/, '') ?? '-');
}

/** So much of an id is shown, as `docker ps` does. */
export function shortId({ id }: ContainerIdentity): string {
  return BARE_ID.test(id) ? id.slice(0, 12) : id;
}
