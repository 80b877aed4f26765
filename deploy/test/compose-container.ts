/** Makes the container of a service in docker-compose.yml. */
import { imageCommand, imageInstructions, type Mount, type Service } from './compose-file.ts';
import type { OciConfig } from './container.ts';

/** Gives the configuration that Docker's engine makes of a service and its image, as far as it limits what a process may do and see. */
export function composeContainer(service: Service, root: string): (proposed: OciConfig) => OciConfig {
  const capabilities = (service.cap_add ?? []).map((name) => `CAP_${name}`);
  const env = imageInstructions().filter(([name]) => name === 'ENV');
  const shared = Object.entries(service).filter(([key, value]) => ['pid', 'cgroup'].includes(key) && value === 'host');
  return (proposed) => ({
    ...proposed,
    root: { path: root, readonly: service.read_only === true },
    process: {
      ...proposed.process,
      terminal: false,
      args: [...imageCommand('ENTRYPOINT'), ...imageCommand('CMD')],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env.map(([, value]) => value)],
      noNewPrivileges: service.security_opt?.includes('no-new-privileges:true') === true,
      capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities },
    },
    mounts: [...proposed.mounts, ...(service.volumes ?? []).filter((each) => typeof each === 'object').map(bindOf)],
    linux: {
      ...proposed.linux,
      namespaces: proposed.linux.namespaces.filter(({ type }) => !shared.some(([key]) => key === type)),
    },
  });
}

function bindOf({ source, target, read_only }: Mount): OciConfig['mounts'][number] {
  return { destination: target, source, type: 'bind', options: ['rbind', 'rprivate', read_only ? 'ro' : 'rw'] };
}
