import { assertEquals } from "@std/assert";
import { runDeno } from "../../support/program.ts";

const module = new URL("../../../transports/mod.ts", import.meta.url).href;

/** Dials a port where nothing listens, in each turn until the first dial ends. */
const PROGRAM = `
  import { tls } from ${JSON.stringify(module)};
  const dials = [];
  let ended = false;
  while (!ended) {
    const dial = tls({ hostname: "127.0.0.1", port: 1 }).connect();
    dials.push(dial.catch((error) => error.name).finally(() => ended = true));
    await new Promise((resolve) => setTimeout(resolve));
  }
  console.log(dials.length > 1, ...new Set(await Promise.all(dials)));
`;

Deno.test("a program may start TLS again while TLS is being loaded", async () => {
  const { code, stdout, stderr } = await runDeno(["eval", PROGRAM]);
  assertEquals(stderr, "");
  assertEquals(stdout, "true ConnectionRefused\n");
  assertEquals(code, 0);
});
