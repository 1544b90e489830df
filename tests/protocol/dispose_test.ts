import { assertInstanceOf } from "@std/assert";
import { jsonLines } from "../../protocol/codecs/json_lines.ts";
import {
  CallInterruptedError,
  DecodeError,
  EndOfStreamError,
  StateError,
} from "../../protocol/errors.ts";
import { EventQueue } from "../../protocol/event_queue.ts";
import { Peer } from "../../protocol/peer.ts";
import { PendingCalls } from "../../protocol/pending_calls.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { memoryPair } from "../../transports/mod.ts";

class Client extends Peer<unknown> {
  readonly #calls = new PendingCalls<unknown>();
  readonly events = new EventQueue<unknown>({ nameOf: String });

  constructor() {
    super({ codec: jsonLines });
  }

  ask(): Promise<unknown> {
    return this.sendCall(this.#calls, {}, () => "question");
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#calls.end(cause);
    this.events.end(cause);
  }
}

/** Waits that fail with the session, and the errors that they give. */
const WAITS: Record<
  string,
  [
    wait: (client: Client) => Promise<unknown>,
    expected: abstract new (...args: never[]) => Error,
  ]
> = {
  "receive()": [(client) => client.receive(), DecodeError],
  "an iteration": [
    (client) => client[Symbol.asyncIterator]().next(),
    DecodeError,
  ],
  "flush()": [
    (client) => {
      client.send("a".repeat(1024 * 1024));
      return client.flush();
    },
    DecodeError,
  ],
  "a call": [(client) => client.ask(), CallInterruptedError],
  "a call after the end": [
    async (client) => {
      await client.closed.catch(() => {});
      await client.ask();
    },
    StateError,
  ],
  "flush() after the end": [
    async (client) => {
      await client.closed.catch(() => {});
      await client.flush();
    },
    StateError,
  ],
  "next() of events": [(client) => client.events.next(), EndOfStreamError],
};

for (const [name, [wait, expected]] of Object.entries(WAITS)) {
  Deno.test(`await using leaves the error of ${name} as it is`, async () => {
    const failure = await rejection(failing(wait));
    assertInstanceOf(failure, expected);
    const cause = failure instanceof DecodeError ? failure : failure.cause;
    assertInstanceOf(cause, DecodeError);
  });
}

Deno.test("await using throws a cause that only closed and sends have told", async () => {
  const failure = await rejection(failing(async (client) => {
    client.send("a".repeat(1024 * 1024));
    await client.closed.catch(() => {});
    client.send("b");
  }));
  assertInstanceOf(failure, DecodeError);
});

/** A block that disposes of a client, whose session fails while it waits. */
async function failing(
  wait: (client: Client) => Promise<unknown>,
): Promise<void> {
  const [near, far] = memoryPair();
  await using client = new Client();
  await client.connect(near);
  const waiting = wait(client);
  await far.write(new TextEncoder().encode("not JSON\n"));
  await waiting;
}
