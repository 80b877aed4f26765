import type { CgroupIdentity, PodDirectory } from '../model/cgroup-identity.ts';
import { fetchPods, namesOf, type KubeletOptions, type PodList } from './kubelet.ts';

const ASK_EVERY_MS = 10_000;

interface Options {
  /** Told when the kubelet cannot be asked, and again when the reason changes. */
  readonly report: (trouble: string) => void;
  readonly now?: () => number;
}

/**
 * Asks the kubelet when a container or pod is not known, at most every ten seconds. What was known before is kept while
 * it cannot be asked; a pod that has gone keeps its names as long as a cgroup of it is asked for.
 */
export function createPodDirectory(kubelet: KubeletOptions, { report, now = Date.now }: Options): PodDirectory {
  const kept = new Map<string, ReturnType<typeof namesOf>>();
  let pods: PodList = new Map();
  let askedAt = -Infinity;
  let reported: string | undefined;

  const keyOf = ({ container, podUid }: CgroupIdentity): string => container?.id ?? podUid ?? '';
  const isKnown = ({ container, podUid }: CgroupIdentity): boolean => pods.has(container?.id ?? podUid ?? '');

  async function ask(): Promise<void> {
    askedAt = now();
    try {
      pods = await fetchPods(kubelet);
      reported = undefined;
    } catch (error) {
      const trouble = `the kubelet cannot be asked for the names of pods: ${(error as Error).message}`;
      if (trouble !== reported) report(trouble);
      reported = trouble;
    }
  }

  return {
    async resolve(cgroups) {
      const inPods = cgroups.filter(({ podUid }) => podUid !== undefined);
      const asksAgain = now() - askedAt >= ASK_EVERY_MS;
      if (asksAgain && inPods.some((cgroup) => !isKnown(cgroup))) await ask();
      const wanted = new Set(inPods.map(keyOf));
      for (const key of kept.keys()) if (!wanted.has(key)) kept.delete(key);
      for (const cgroup of inPods) kept.set(keyOf(cgroup), namesOf(pods, cgroup) ?? kept.get(keyOf(cgroup)));
    },
    namesOf: (cgroup) => (cgroup.podUid === undefined ? undefined : kept.get(keyOf(cgroup))),
  };
}
