/** Gives the exit status as a shell does: the status, or 128 + the signal (wait(2)). */
export function statusOf(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal ? 128 + signal : (waitStatus >> 8) & 0xff;
}
