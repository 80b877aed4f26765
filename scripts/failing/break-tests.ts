/**
 * `scripts/test-failing.ts` loads this module into test files. It makes their tests fail, while what they started still runs:
 * in each test, the assertion of the given number fails; or each `before` hook does what it does, then throws. After TESTS failures
 * of assertions, the file's other tests do nothing, because they would show no more.
 */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { type BrokenBy, MADE_TO_FAIL, readPlan } from './plan.ts';

const TESTS = 2;

type Function = (...args: unknown[]) => unknown;

const isTestFile = process.env['NODE_TEST_CONTEXT'] === 'child-v8';
const plan = readPlan(process.env);
if (isTestFile && plan !== undefined) {
  // What a test starts is no test.
  delete process.env['NODE_OPTIONS'];
  breakTests(plan);
}

function breakTests({ by, log }: BrokenBy): void {
  // The types know no assignment to a module. Node.js documents it: module.syncBuiltinESMExports().
  const runner = createRequire(import.meta.url)('node:test') as Record<string, Function>;
  let made = 0;
  const fail = (): never => {
    made++;
    appendFileSync(log, '\n');
    throw new Error(MADE_TO_FAIL);
  };
  if (by === 'before') breakHooks(runner, fail);
  else breakAssertions(runner, by, fail, () => made >= TESTS);
  syncBuiltinESMExports();
}

function breakHooks(runner: Record<string, Function>, fail: () => never): void {
  for (const name of ['before', 'beforeEach']) {
    const add = runner[name]!;
    runner[name] = (body, ...rest) =>
      add(
        async (...args: unknown[]) => {
          await (body as Function)(...args);
          fail();
        },
        ...rest,
      );
  }
}

function breakAssertions(
  runner: Record<string, Function>,
  failing: number,
  fail: () => never,
  isEnough: () => boolean,
): void {
  const current = new AsyncLocalStorage<{ assertions: number }>();
  for (const name of ['test', 'it']) {
    const add = runner[name]!;
    const adds: Function = (...args) =>
      add(...args.map((arg) => (typeof arg === 'function' ? counted(arg as Function) : arg)));
    runner[name] = Object.assign(adds, add);
  }

  // A test gets its context only if it takes it: Node.js tells by the number of parameters whether it takes a callback.
  function counted(body: Function): Function {
    const run = (args: unknown[]) => (isEnough() ? undefined : current.run({ assertions: 0 }, () => body(...args)));
    return body.length === 0 ? () => run([]) : (context) => run([context]);
  }

  const functions = assert as unknown as Record<string, unknown>;
  for (const [name, check] of Object.entries(functions)) {
    if (typeof check !== 'function' || !/^[a-z]/.test(name) || name === 'strict') continue;
    functions[name] = (...args: unknown[]) => {
      const test = current.getStore();
      if (test !== undefined && ++test.assertions === failing) fail();
      return (check as Function)(...args);
    };
  }
}
