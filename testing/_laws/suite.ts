import type { Connection } from "../../transports/transport.ts";
import { assert, assertEquals, equals } from "../_deps.ts";
import type { TransportFeature } from "../test_transport_options.ts";
import type { MakePair } from "../transport_under_test.ts";
import { testRunner } from "../_util/test_runner.ts";
import { LONG_DEADLINE_MS, withDeadline } from "./deadline.ts";

/** The laws of one transport, as tests, and how much they have checked. */
export class Suite {
  readonly #name: string;
  readonly #makePair: MakePair;
  readonly #lacks: ReadonlySet<TransportFeature>;
  #held = 0;
  #notApplicable = 0;
  #connections = 0;
  #bytes = 0;

  constructor(
    name: string,
    makePair: MakePair,
    lacks: Iterable<TransportFeature>,
  ) {
    this.#name = name;
    this.#makePair = makePair;
    this.#lacks = new Set(lacks);
    testRunner.after(() => this.#report());
  }

  /**
   * Registers a test of one law, which may not leak an operation or a
   * resource, nor leave a rejection unhandled. It may make many connections.
   *
   * @param needs The feature without which the law is not applicable.
   */
  test(
    statement: string,
    check: () => Promise<void>,
    needs?: TransportFeature,
  ): void {
    const act = () => withDeadline(check(), LONG_DEADLINE_MS);
    this.#register(statement, act, needs);
  }

  #register(
    statement: string,
    act: () => Promise<void>,
    needs: TransportFeature | undefined,
  ): void {
    const ignore = needs !== undefined && this.#lacks.has(needs);
    if (ignore) this.#notApplicable++;
    testRunner.register({
      name: `${this.#name}: ${statement}`,
      ignore,
      fn: async () => {
        await expecting(statement, async () => {
          const unhandled = await unhandledIn(act);
          assertEquals(unhandled, [], "Rejections were left unhandled");
        });
        this.#held++;
      },
    });
  }

  /** Registers a test of one law about the two ends of a connection. */
  law(
    statement: string,
    check: (near: Connection, far: Connection) => Promise<void>,
    needs?: TransportFeature,
  ): void {
    this.#register(statement, async () => {
      const [near, far] = await withDeadline(this.pair());
      try {
        await withDeadline(check(near, far));
      } finally {
        near.abort();
        far.abort();
        // A transport may have more to release than memory, such as a process.
        await expecting(
          "closed settles once everything is released",
          () => withDeadline(Promise.allSettled([near.closed, far.closed])),
        );
      }
    }, needs);
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

  #report(): void {
    if (this.#held === 0) return;
    const held =
      `${this.#name}: ${this.#held} laws held over ${this.#connections} connections, ${this.#bytes} bytes checked`;
    const others = this.#notApplicable > 0
      ? `; ${this.#notApplicable} laws not applicable`
      : "";
    console.log(held + others);
  }
}

/** Says in the error of a failure what was expected. */
async function expecting<T>(
  statement: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Expected that ${statement}: ${found}`, { cause });
  }
}

/** The reasons of the rejections that nobody handles while something is done. */
async function unhandledIn(act: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const stop = testRunner.onUnhandled((reason) => reasons.push(reason));
  try {
    await act();
    return reasons;
  } finally {
    // Such an event comes before the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    stop();
  }
}
