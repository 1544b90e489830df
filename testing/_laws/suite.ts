import type { Connection } from "../../transports/transport.ts";
import { assert, assertEquals, equals } from "../_deps.ts";
import type { MakePair } from "../transport_under_test.ts";
import { withDeadline } from "./deadline.ts";

/** The laws of one transport, as tests, and how much they have checked. */
export class Suite {
  readonly #name: string;
  readonly #makePair: MakePair;
  #laws = 0;
  #connections = 0;
  #bytes = 0;

  constructor(name: string, makePair: MakePair) {
    this.#name = name;
    this.#makePair = makePair;
    Deno.test.afterAll(() => {
      if (this.#laws === 0) return;
      console.log(
        `${name}: ${this.#laws} laws held over ${this.#connections} connections, ${this.#bytes} bytes checked`,
      );
    });
  }

  /**
   * Registers a test, which may not leak an operation or a resource, nor leave a
   * rejection unhandled.
   */
  test(promise: string, check: () => Promise<void>): void {
    Deno.test({
      name: `${this.#name}: ${promise}`,
      sanitizeOps: true,
      sanitizeResources: true,
      fn: async () => {
        const unhandled = await unhandledIn(() =>
          withDeadline(promise, check())
        );
        assertEquals(unhandled, [], "Rejections were left unhandled");
        this.#laws++;
      },
    });
  }

  /** Registers a test of one promise about the two ends of a connection. */
  law(
    promise: string,
    check: (near: Connection, far: Connection) => Promise<void>,
  ): void {
    this.test(promise, async () => {
      const [near, far] = await this.pair();
      try {
        await withDeadline(promise, check(near, far));
      } finally {
        near.abort();
        far.abort();
        // A transport may have more to release than memory, such as a process.
        const released = Promise.allSettled([near.closed, far.closed]);
        await withDeadline("closed settles after abort()", released);
      }
    });
  }

  async pair(): Promise<readonly [Connection, Connection]> {
    const pair = await this.#makePair();
    this.#connections++;
    return pair;
  }

  /** Checks that the bytes that have arrived are those that were sent. */
  same(received: Uint8Array | undefined, sent: Uint8Array): void {
    assert(received, "No bytes have arrived");
    assert(
      equals(received, sent),
      `${received.length} bytes arrived that are not the ${sent.length} that were sent`,
    );
    this.#bytes += sent.length;
  }
}

/** The reasons of the rejections that nobody handles while something is done. */
async function unhandledIn(act: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const listen = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    reasons.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", listen);
  try {
    await act();
    return reasons;
  } finally {
    // Such an event comes before the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    globalThis.removeEventListener("unhandledrejection", listen);
  }
}
