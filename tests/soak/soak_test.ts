import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve } from "../../protocol/mod.ts";
import { memory } from "../../transports/mod.ts";
import { noTotals, SoakClient } from "./client.ts";
import { grows, type Sample } from "./sample.ts";
import { Echo, type Register, type SoakMessage } from "./server.ts";

/** Loses all messages after the first. */
class Forgetful extends Echo {
  protected override async onMessage(message: SoakMessage): Promise<void> {
    await super.onMessage(message);
    this.disconnect();
  }
}

Deno.test("a few seconds of soaking lose no message and leave nothing behind", async () => {
  const program = new URL("main.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", "--v8-flags=--expose-gc"],
      ...[program, "--minutes=0.08", "--seed=1"],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, text + new TextDecoder().decode(stderr));
  assert((text.match(/min: /g)?.length ?? 0) > 1, text);
  assertMatch(text, / 0 not; .* 0 lost; /);
});

Deno.test("soaking reports the messages that a server has lost", async () => {
  const transport = memory();
  const register: Register = { got: new Map(), open: new Set() };
  await using _server = serve(
    await transport.listen(),
    () => new Forgetful(register),
  );
  const totals = noTotals();
  // Without faults, with an echo, and with more messages than one.
  const client = new SoakClient(1, transport, () => 0.2);
  await client.run(register, totals);
  assert(totals.lost > 0);
  assertEquals([totals.inOrder, totals.errors.length], [0, 1]);
});

Deno.test("soaking reports growth of files and heap since the first sample", () => {
  const first: Sample = {
    minutes: 1,
    heap: 10_000_000,
    resident: 10_000_000,
    files: 20,
  };
  assertEquals(grows([first, { ...first, resident: 100_000_000 }]), undefined);
  assertMatch(grows([first, { ...first, files: 21 }]) ?? "", /^Files/);
  assertMatch(
    grows([first, { ...first, heap: 30_000_000 }]) ?? "",
    /^The heap/,
  );
});
