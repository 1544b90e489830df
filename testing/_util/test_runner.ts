/** A test, as a suite registers it. */
export interface RunnerTest {
  readonly name: string;
  readonly ignore?: boolean;
  readonly fn: () => void | Promise<void>;
}

/** What is asked of a runner of tests. */
interface TestRunner {
  register(test: RunnerTest): void;
  /** Calls a function when all tests are done. */
  after(act: () => void): void;
  /**
   * Tells of each rejection that nobody handles, which is no longer an error.
   *
   * @returns Stops it.
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

/** The runner of Node, which Bun has too. */
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

/** A module of Node, which nobody needs to have: an import would. */
function nodeModule<N extends keyof NodeModules>(name: N): NodeModules[N] {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: N): NodeModules[N] };
  };
  return process.getBuiltinModule(name);
}
