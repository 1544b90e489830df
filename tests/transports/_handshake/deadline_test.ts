import { assertEquals, assertStrictEquals } from "@std/assert";
import { rejection } from "../../../testing/_util/rejection.ts";
import { withDeadline } from "../../../transports/_handshake/deadline.ts";

Deno.test("a handshake that is done when it is aborted fails with the reason", async () => {
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const aborted: unknown[] = [];
  const connection = { abort: (reason: unknown) => void aborted.push(reason) };
  const handshake = () => {
    queueMicrotask(() => controller.abort(reason));
    return Promise.resolve("done");
  };
  const { signal } = controller;
  const running = withDeadline(connection, handshake, 1000, signal);
  assertStrictEquals(await rejection(running), reason);
  assertEquals(aborted, [reason]);
});
