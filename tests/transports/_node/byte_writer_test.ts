import { assertRejects } from "@std/assert";
import { Writable } from "node:stream";
import { ByteWriter } from "../../../transports/_node/byte_writer.ts";

function failure(code: string): Error {
  return Object.assign(new Error(`write ${code}`), { code });
}

Deno.test("a write that a reset of the connection cancels fails with the reset", async () => {
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      stream.destroy(failure("ECONNRESET"));
      stream.once("close", () => done(failure("ECANCELED")));
    },
  });
  const writer = new ByteWriter(stream);
  await assertRejects(
    () => writer.write(new Uint8Array(1)),
    Deno.errors.ConnectionReset,
  );
});
