import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { Runstate, StateError } from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { Lines } from "../support/protocol/line_protocol.ts";
import { silent } from "../support/transports/silent_transport.ts";

Deno.test("connect() and accept() need idle, and change nothing otherwise", async () => {
  const protocol = new Lines();
  const attempt = protocol.connect(silent);
  const connecting = await assertRejects(
    () => protocol.accept(silent),
    StateError,
  );
  assertEquals(connecting.message, "Lines is currently connecting");
  assertEquals([connecting.state, connecting.required], ["connecting", "idle"]);
  assertEquals(protocol.runstate, Runstate.CONNECTING);
  const stopping = protocol.disconnect();
  const disconnecting = await assertRejects(
    () => protocol.connect(silent),
    StateError,
  );
  assertEquals(
    disconnecting.message,
    "Lines is disconnecting: call disconnect() to return to idle",
  );
  assertEquals(protocol.runstate, Runstate.DISCONNECTING);
  await assertRejects(() => attempt, DOMException);
  await stopping;

  const [near, far] = memoryPair();
  await protocol.connect(near);
  const running = await assertRejects(
    () => protocol.connect(silent),
    StateError,
  );
  assertEquals(running.message, "Lines is already connected and running");
  assertEquals(protocol.runstate, Runstate.RUNNING);
  await protocol.disconnect();
  await far.close();
});

Deno.test("send() and receive() require a session", async () => {
  const protocol = new Lines();
  await assertRejects(
    () => protocol.send("x"),
    StateError,
    "Lines is not connected",
  );
  await assertRejects(
    () => protocol.receive(),
    StateError,
    "Lines is not connected",
  );
  const [near, far] = memoryPair();
  await protocol.connect(near);
  await assertRejects(
    () => protocol.receive(),
    StateError,
    "already connected",
  );
  await protocol.disconnect();
  await far.close();
});

Deno.test("runstateChanged() resolves with the state that is entered next", async () => {
  const protocol = new Lines();
  const changed = protocol.runstateChanged();
  const [near, far] = memoryPair();
  const connecting = protocol.connect(near);
  assertEquals(await changed, "connecting");
  await connecting;
  await protocol.disconnect();
  await far.close();
});

Deno.test("runstateChanged() and runstates() end with the signal's reason", async () => {
  const protocol = new Lines();
  const controller = new AbortController();
  const changed = protocol.runstateChanged({ signal: controller.signal });
  const states = protocol.runstates({ signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await changed.catch((error) => error), reason);
  assertStrictEquals(await states.next().catch((error) => error), reason);
  assertEquals((await states.next()).done, true);
});

Deno.test("runstateChanged() and runstates() with a signal aborted before end with its reason", async () => {
  const protocol = new Lines();
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const changed = protocol.runstateChanged({ signal });
  assertStrictEquals(await changed.catch((error) => error), reason);
  const states = protocol.runstates({ signal });
  assertStrictEquals(await states.next().catch((error) => error), reason);
  assertEquals((await states.next()).done, true);
});

Deno.test("before its first session a protocol's signal is aborted and closed is fulfilled", async () => {
  const protocol = new Lines();
  assert(protocol.signal.aborted);
  assertInstanceOf(protocol.signal.reason, StateError);
  await protocol.closed;
});

Deno.test("inspection shows the class, the name and the runstate", async () => {
  const [near, far] = memoryPair();
  await using protocol = new Lines({ name: "x" });
  assertEquals(Deno.inspect(protocol), '<Lines name="x" runstate=idle>');
  assertEquals(Deno.inspect(new Lines()), "<Lines runstate=idle>");
  await protocol.connect(near);
  assertEquals(Deno.inspect(protocol), '<Lines name="x" runstate=running>');
  await far.close();
});
