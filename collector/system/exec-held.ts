import type { ExecRequest, Held } from './hold.ts';
import { isShellText } from './script-file.ts';

/** Gives the error's name if the exec fails. A text that the kernel refuses is run by the shell, as shells do. */
export async function execHeld(held: Held, request: ExecRequest): Promise<string | undefined> {
  const error = await held.exec(request);
  if (error !== 'ENOEXEC' || !isShellText(request.path)) return error;
  const [name = 'sh', ...args] = request.argv;
  return held.exec({ ...request, path: '/bin/sh', argv: [name, request.path, ...args] });
}
