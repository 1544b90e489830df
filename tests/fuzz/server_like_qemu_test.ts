import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { memory } from "../../transports/mod.ts";
import { answers, standInForQEMU } from "../support/qmp/like_qemu.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";
import { bytesOf, fuzz } from "./fuzz.ts";

const AGREE = new TextEncoder().encode('{"execute":"qmp_capabilities"}');
/** Ends any incomplete input, as QMP's specification says. */
const RESET = Uint8Array.of(1);
/** A zero with an exponent is JSON, which QEMU does not know. */
const ZERO_EXPONENT = /(^|[^0-9.])0[eE]/;

const inputs = bytesOf(
  ...["{", "}", "[", "]", ",", ":", '"', "'", "\\", "\\'", "\\u0041"],
  ...["\n", " ", "\t", "\r", "-", "0", "1", ".", "e", "E", "+", "@", "%", "X"],
  ...["true", "null", "x", '"a"', "'b'", '"a":1', "é", [0xff], [0x80], [1]],
  ...['{"execute":"query-name","id":1}', '{"execute":', "{'foo':1}"],
);

if (!needs("qemu-system-x86_64").ignore) {
  const qemu = await startQemu();
  const server = standInForQEMU();
  const transport = memory();
  server.serve(await transport.listen());
  Deno.test.afterAll(async () => {
    await server.close();
    await qemu[Symbol.asyncDispose]();
  });

  fuzz("A QMP server, beside real QEMU,", inputs, async (bytes) => {
    if (ZERO_EXPONENT.test(new TextDecoder().decode(bytes))) return;
    const input = concat([AGREE, bytes, RESET]);
    assertEquals(
      await answers(await transport.connect(), input),
      await answers(await qemu.transport.connect(), input),
    );
  });
}
