/** Asks the kubelet of this host what its pods and containers are called: `/pods`, which is a list of v1.Pod. */
import { readFile } from 'node:fs/promises';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { CgroupIdentity, PodNames } from '../model/cgroup-identity.ts';
import { boundedText } from './bounded-text.ts';

export interface KubeletOptions {
  /** Such as `https://127.0.0.1:10250`, or `http://127.0.0.1:10255` where the read-only port is open. */
  readonly url: string;
  /** Read at every request, because Kubernetes replaces it. */
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  /** Takes any certificate; a kubelet's own is self-signed by default. */
  readonly skipVerify?: boolean | undefined;
}

/** By the ids of containers and the uids of pods, as cgroups have them. */
export type PodList = ReadonlyMap<string, PodNames>;

const TIMEOUT_MS = 5_000;
/** A pod is some 10 KiB, and a host has a few hundred. */
const MOST_BYTES = 64 << 20;

/** @throws Error with what a person needs to know */
export async function fetchPods(options: KubeletOptions): Promise<PodList> {
  const url = new URL('pods', options.url.endsWith('/') ? options.url : `${options.url}/`);
  const response = await get(url, options);
  const body = await boundedText(response, MOST_BYTES);
  if (response.statusCode !== 200)
    throw new Error(`${url.href} answers ${response.statusCode}: ${body.slice(0, 200).trim()}`);
  return namesIn(JSON.parse(body) as { items?: readonly Pod[] | null });
}

async function get(url: URL, { tokenFile, caFile, skipVerify }: KubeletOptions): Promise<IncomingMessage> {
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
  const ca = caFile === undefined ? undefined : await readFile(caFile);
  const options = {
    headers: { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(ca && { ca }),
    rejectUnauthorized: skipVerify !== true,
  };
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options);
    request.on('response', resolve).on('error', reject).end();
  });
}

/** The part of v1.Pod that is read here. */
interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: Readonly<Partial<Record<(typeof STATUSES)[number], readonly ContainerStatus[] | null>>>;
}

interface ContainerStatus {
  readonly name: string;
  /** Such as `containerd://ID`; absent until the container has started. */
  readonly containerID?: string;
}

const STATUSES = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;

/** A static pod has another uid in the API than in its cgroup, where it has the hash of its file. */
const CONFIG_HASH = 'kubernetes.io/config.hash';

function namesIn({ items }: { readonly items?: readonly Pod[] | null }): PodList {
  const names = new Map<string, PodNames>();
  for (const { metadata, status } of items ?? []) {
    const { namespace, name: pod, uid, annotations } = metadata;
    names.set(annotations?.[CONFIG_HASH] ?? uid, { namespace, pod });
    for (const { name: container, containerID } of STATUSES.flatMap((key) => status?.[key] ?? [])) {
      const id = containerID?.split('://')[1];
      if (id !== undefined) names.set(id, { namespace, pod, container });
    }
  }
  return names;
}

/** Gives the names of the container, or those of its pod if the container is not known, as its sandbox never is. */
export function namesOf(pods: PodList, { container, podUid }: CgroupIdentity): PodNames | undefined {
  return pods.get(container?.id ?? '') ?? pods.get(podUid ?? '');
}
