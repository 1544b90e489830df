import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  AsyncProtocol,
  CallInterruptedError,
  CallTimeoutError,
  type Codec,
  lines,
  type OpenCallOptions,
  type PendingCall,
  PendingCalls,
  StateError,
} from "../../protocol/mod.ts";
import { scriptedPeer } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";

/** Asks, and is answered with the id of the question. */
class Asker extends AsyncProtocol<string> {
  readonly pending = new PendingCalls<string>();

  ask(
    request: (call: PendingCall<string>) => string,
    options: OpenCallOptions = {},
  ): Promise<string> {
    return this.sendCall(this.pending, options, request);
  }

  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override onMessage(message: string): void {
    const [id, answer = ""] = message.split(" ");
    this.pending.resolve(Number(id), answer);
  }
}

Deno.test("sendCall() sends the request with the id of its call, and returns the reply", async () => {
  await using peer = scriptedPeer([
    { expect: "1 noon?\n2 home?\n" },
    { send: "2 no\n1 yes\n" },
  ]);
  await using asker = new Asker();
  await asker.connect(peer.connection);
  const answers = ["noon?", "home?"].map((question) =>
    asker.ask(({ id }) => `${id} ${question}`)
  );
  assertEquals(await Promise.all(answers), ["yes", "no"]);
});

Deno.test("a call of sendCall() rejects at its deadline, or when the session ends", async () => {
  await using peer = scriptedPeer([{ expect: "late\ncut\n" }]);
  await using asker = new Asker();
  await asker.connect(peer.connection);
  const late = rejection(asker.ask(() => "late", { timeout: 1 }));
  const cut = rejection(asker.ask(() => "cut", { method: "cut" }));
  assertInstanceOf(await late, CallTimeoutError);
  const reason = new Error("enough");
  await asker.disconnect({ reason });
  const error = await cut;
  assertInstanceOf(error, CallInterruptedError);
  assertEquals([error.method, error.sent, error.cause], ["cut", true, reason]);
});

Deno.test("when a session has ended, its calls reject after onSessionEnd(), and no other calls", async () => {
  const others = new PendingCalls<string>();
  const open: number[] = [];
  class Watched extends Asker {
    protected override onSessionEnd(): void {
      open.push(this.pending.size);
    }
  }
  await using asker = new Watched();
  for (const question of ["first", "second"]) {
    const peer = scriptedPeer([{ expect: `${question}\n` }, "reset"]);
    await asker.connect(peer.connection);
    const other = others.open();
    const error = await rejection(asker.ask(() => question));
    assertInstanceOf(error, CallInterruptedError);
    assertEquals(await rejection(asker.disconnect()), error.cause);
    assertEquals([asker.pending.size, others.size], [0, 1]);
    others.resolve(other.id, "");
    await peer.done;
  }
  assertEquals(open, [1, 1]);
});

Deno.test("sendCall() leaves no call behind if it fails, and rejects with the error", async () => {
  await using asker = new Asker();
  assertInstanceOf(await rejection(asker.ask(() => "early")), StateError);

  await using peer = scriptedPeer([{ expect: "fine\n" }, { send: "6 yes\n" }]);
  await asker.connect(peer.connection);
  const unmade = new Error("no request");
  const throwing = () => {
    throw unmade;
  };
  assertEquals(await rejection(asker.ask(throwing)), unmade);
  // A line cannot have a newline in it.
  assertInstanceOf(await rejection(asker.ask(() => "a\nb")), TypeError);
  const signal = AbortSignal.abort(new Error("given up"));
  const refused = rejection(asker.ask(() => "unasked", { signal }));
  assertEquals(await refused, signal.reason);
  const untimely = rejection(asker.ask(() => "unasked", { timeout: -1 }));
  assertInstanceOf(await untimely, RangeError);
  assertEquals(asker.pending.size, 0);
  assertEquals(await asker.ask(() => "fine", { id: 6 }), "yes");
});
