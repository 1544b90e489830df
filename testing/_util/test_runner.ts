/** A test, as a suite registers it. */
interface RunnerTest {
  readonly name: string;
  readonly ignore?: boolean;
  readonly fn: () => void | Promise<void>;
}

/** The parts of a test runner that suites use. */
interface TestRunner {
  register(test: RunnerTest): void;
  /** Calls a function when all tests are done. */
  after(act: () => void): void;
  /**
   * Reports each unhandled rejection, which then does not fail the tests.
   *
   * @returns A function that stops the reports.
   */
  onUnhandled(tell: (reason: unknown) => void): () => void;
}

/** The runner of Deno, which also checks that nothing leaks. */
const denoRunner: TestRunner = {
  register: (test) =>
    Deno.test({ ...test, sanitizeOps: true, sanitizeResources: true }),
  after: (act) => Deno.test.afterAll(act),
  onUnhandled(tell) {
    const listen = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      tell(event.reason);
    };
    globalThis.addEventListener("unhandledrejection", listen);
    return () => globalThis.removeEventListener("unhandledrejection", listen);
  },
};

/** The runner of Node and Bun. */
const nodeRunner: TestRunner = {
  register: ({ name, ignore = false, fn }) =>
    void nodeModule("node:test").test(name, { skip: ignore }, fn),
  after: (act) => nodeModule("node:test").after(act),
  onUnhandled(tell) {
    const process = nodeModule("node:process");
    process.on("unhandledRejection", tell);
    return () => void process.off("unhandledRejection", tell);
  },
};

export const testRunner: TestRunner = "Deno" in globalThis
  ? denoRunner
  : nodeRunner;

interface NodeModules {
  "node:process": typeof import("node:process");
  "node:test": typeof import("node:test");
}

/** A module of Node. An import of it would fail in a browser. */
function nodeModule<N extends keyof NodeModules>(name: N): NodeModules[N] {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: N): NodeModules[N] };
  };
  return process.getBuiltinModule(name);
}
