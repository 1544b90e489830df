import { assertEquals, assertThrows } from "@std/assert";
import { vsock, type VsockOptions } from "../../transports/mod.ts";
import { runDeno } from "../support/program.ts";
import { untyped } from "../support/untyped.ts";

Deno.test("vsock() refuses wrong options, naming option and value", () => {
  const bad: [VsockOptions, typeof Error, string][] = [
    [{ cid: -1, port: 1 }, RangeError, "cid is -1"],
    [{ cid: 2 ** 32, port: 1 }, RangeError, "cid is 4294967296"],
    [{ cid: 2, port: 0.5 }, RangeError, "port is 0.5"],
    ...untyped<VsockOptions>([
      [{ cid: 2 }, TypeError, "port is undefined"],
      [{ cid: "2", port: 1 }, TypeError, 'cid is "2"'],
    ]),
  ];
  for (const [options, errorClass, message] of bad) {
    assertThrows(() => vsock(options), errorClass, message);
  }
});

Deno.test("vsock() prints its address", () => {
  assertEquals(vsock({ cid: 2, port: 1024 }).toString(), "vsock://2:1024");
});

/** Runs code with Deno's flag, and returns its output. */
async function run(code: string, ...flags: string[]): Promise<string> {
  const root = new URL("../../", import.meta.url);
  const { stdout, stderr } = await runDeno(
    ["run", "--quiet", "--no-prompt", "--unstable-vsock", ...flags, "-"],
    `import { vsock } from "${root}transports/mod.ts";\n${code}`,
  );
  assertEquals(stderr, "");
  return stdout;
}

const ANY = 0xffff_ffff;
const { stderr: unavailable } = await runDeno(
  ["run", "--allow-net", "--unstable-vsock", "-"],
  `Deno.listen({ transport: "vsock", cid: ${ANY}, port: ${ANY} }).close();`,
);
const ignore = unavailable !== "";
if (ignore) console.warn("Tests skipped: the system has no vsock");

Deno.test({
  name:
    "vsock: a listener has a free port, and its wait ends with it and by a signal",
  ignore,
  fn: async () => {
    const output = await run(
      `
      const listener = await vsock({ cid: ${ANY}, port: ${ANY} }).listen();
      const { transport, cid, port } = listener.address;
      console.log(transport, cid, port < ${ANY});
      const accept = listener.accept();
      const signal = AbortSignal.abort(new Error("Enough"));
      console.log((await listener.accept({ signal }).catch((e) => e)).message);
      await listener.close();
      console.log((await accept.catch((e) => e)).name);
      await (await vsock({ cid, port }).listen()).close();`,
      "--allow-net",
    );
    assertEquals(output, `vsock ${ANY} true\nEnough\nBadResource\n`);
  },
});

Deno.test({
  name:
    "vsock: the error of a connect has the address and the flags, and a signal ends it",
  ignore,
  fn: async () => {
    // No machine has this number.
    const connect = (signal: string) => `
      const transport = vsock({ cid: 4294967294, port: 1024 });
      const error = await transport.connect(${signal}).catch((e) => e);
      console.log(error.message);`;
    const failed = await run(connect(""), "--allow-net=vsock:4294967294:1024");
    assertEquals(
      failed.startsWith("Connect to vsock://4294967294:1024: "),
      true,
      failed,
    );
    const aborted = `{ signal: AbortSignal.abort(new Error("Enough")) }`;
    assertEquals(await run(connect(aborted), "--allow-net"), "Enough\n");
    assertEquals(
      await run(connect("")),
      "Connect to vsock://4294967294:1024: not permitted: " +
        "run again with --allow-net=vsock:4294967294:1024\n",
    );
  },
});
