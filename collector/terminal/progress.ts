import { formatDuration } from './format.ts';
import type { Output } from './output.ts';

const SECOND_NS = 1e9;

/** Shows each second what `text` gives of the seconds since now, until it is disposed. */
export function showProgress(output: Pick<Output, 'progress'>, text: (passed: string) => string): Disposable {
  const start = process.hrtime.bigint();
  const show = (): void => {
    const seconds = Math.round(Number(process.hrtime.bigint() - start) / SECOND_NS);
    output.progress(text(formatDuration(seconds * SECOND_NS)));
  };
  const timer = setInterval(show, 1000).unref();
  show();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      output.progress('');
    },
  };
}
