/** What this process itself costs. */
export class OwnCost {
  #cpu = process.cpuUsage();
  #atMs = performance.now();
  #percent = 0;

  /** The processor time is that since the last call. */
  read(): { readonly cpuPercent: number; readonly residentBytes: number } {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    if (nowMs - this.#atMs >= 500) {
      this.#percent = (user + system) / 10 / (nowMs - this.#atMs);
      this.#cpu = process.cpuUsage();
      this.#atMs = nowMs;
    }
    return { cpuPercent: this.#percent, residentBytes: process.memoryUsage.rss() };
  }
}
