// A page has no Deno: import this before modules that register tests.

interface Test {
  name: string;
  ignore?: boolean;
  fn: () => void | Promise<void>;
}

/** The outcome of the tests of a page. */
export interface PageOutcome {
  passed: number;
  /** The names of the tests that failed, each with its error. */
  failed: string[];
}

// Some tests replace the timers.
const { setTimeout, clearTimeout } = globalThis;
const DEADLINE_MS = 20_000;

const tests: Test[] = [];

function test(first: string | Test, fn: Test["fn"] = () => {}): void {
  tests.push(typeof first === "string" ? { name: first, fn } : first);
}

/** Runs the tests that are registered, one after the other. */
async function runTests(): Promise<PageOutcome> {
  const failed: string[] = [];
  for (const test of tests) {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`not done after ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
    try {
      if (!test.ignore) await Promise.race([test.fn(), late.promise]);
    } catch (error) {
      const text = error instanceof Error ? error.stack : String(error);
      failed.push(`${test.name}: ${text}`);
    } finally {
      clearTimeout(timer);
    }
  }
  const run = tests.filter(({ ignore }) => !ignore).length;
  return { passed: run - failed.length, failed };
}

const Deno = { test: Object.assign(test, { afterAll: () => {} }) };
Object.assign(globalThis, { Deno, runTests });

// Chromium does not have it.
ReadableStream.from ??= (source) => {
  const values = each(source);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await values.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await values.return?.();
    },
  }, { highWaterMark: 0 });
};

async function* each<T>(
  source: AsyncIterable<T> | Iterable<T | PromiseLike<T>>,
): AsyncGenerator<T, void, void> {
  yield* source;
}
