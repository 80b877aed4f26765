import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PassThrough, Writable } from 'node:stream';
import { createLineWriter, createLogger } from '../../serve/log.ts';

function logged(format: 'logfmt' | 'json', write: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  write(createLogger({ level: 'info', format, write: (line) => lines.push(line) }));
  return lines.map((line) => line.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, 'TIME'));
}

describe('the log', () => {
  it('is logfmt, a line an event', () => {
    const lines = logged('logfmt', (logger) => {
      logger.info({ url: 'http://[::1]:1/', empty: '', text: 'a "b"\nc=d', count: 3, list: [1, 2] }, 'listening');
      logger.debug('not this');
      logger.warn('careful now');
    });
    assert.deepEqual(lines, [
      String.raw`time=TIME level=info msg=listening url=http://[::1]:1/ empty="" text="a \"b\"\nc=d" count=3 list=[1,2]` +
        '\n',
      'time=TIME level=warn msg="careful now"\n',
    ]);
  });

  it('is JSON', () => {
    const [line] = logged('json', (logger) => logger.error({ err: new Error('no') }, 'failed'));
    const { time, level, msg, err } = JSON.parse(line ?? '');
    assert.deepEqual([time, level, msg, err.message], ['TIME', 'error', 'failed', 'no']);
  });

  it('has no passwords', () => {
    const secret = { authorization: 'Basic c2VjcmV0' };
    const lines = logged('logfmt', (logger) => {
      logger.info({ req: { headers: secret } }, 'a');
      logger.info({ headers: secret }, 'b');
      logger.info(secret, 'c');
    });
    assert.equal(lines.length, 3);
    assert.doesNotMatch(lines.join(), /c2VjcmV0/);
  });
});

describe('a log that cannot be written', () => {
  it('is dropped and counted', async () => {
    const disk = new Writable({ write: (_line, _encoding, done) => done(new Error('no space left on device')) });
    const log = createLineWriter(disk);
    log.write('one\n');
    log.write('two\n');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(log.dropped, 2);
  });

  it('fills no memory while nobody reads it', () => {
    const log = createLineWriter(new PassThrough({ highWaterMark: 0 }), 100);
    for (let i = 0; i < 1_000; i++) log.write('x'.repeat(10));
    assert.ok(log.dropped > 900, `${log.dropped} dropped`);
  });
});
