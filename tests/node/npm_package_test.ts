import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildPackage } from "../../npm/build.ts";
import { certificates } from "../support/transports/certificates.ts";
import { inFolder } from "../support/in_folder.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";
import { runLaws, RUNTIMES } from "./runtimes.ts";

const KINDS = ["memory", "tcp", "unix", "tls", "stdio", "promise"];

/** Parts that run side by side: many laws of `stdio` wait 2 s for its process. */
const PARTS = [
  "(memory|tcp|unix|tls|promise): ",
  "stdio: a",
  "stdio: c",
  "stdio: [^ac]",
];

Deno.test({
  name:
    "the npm package talks with QEMU in Node, and its transports keep their laws in Node, Bun and Deno",
  ...needs("node", "npm", "socat", "qemu-system-x86_64"),
  fn: (t) =>
    inFolder(async (folder) => {
      await install(folder);

      await t.step("a script of Node asks QEMU for its status", async () => {
        await using qemu = await startQemu();
        const socket = `${qemu.transport}`.replace("unix:", "");
        const output = await run(["node", "qmp.mjs", socket], folder);
        assertMatch(output, /^QEMU \d+ is prelaunch\n$/);
      });

      await t.step(
        "a program in TypeScript is checked, with Node's types alone",
        async () => {
          const strict = ["--strict", "--exactOptionalPropertyTypes"];
          const modern = ["--target", "es2022", "--module", "nodenext"];
          const tsc = ["npx", "tsc", "--noEmit", ...strict, ...modern];
          await run([...tsc, "--lib", "es2022", "consumer.mts"], folder);
        },
      );

      await t.step({
        name: "Node reports a process that the system does not let it end",
        // Only root can become another user.
        ignore: Deno.uid() !== 0,
        fn: async () => {
          const output = await run(["node", "refused_kill.mjs"], folder);
          assertMatch(output, /^PermissionDenied: .*\(EPERM\)\n$/);
        },
      });

      await t.step("the laws hold in Node, Bun and Deno", async () => {
        const { ca, server } = await certificates();
        const options = { certificates: { ca, server }, folder };
        await Promise.all(RUNTIMES.map(async (runtime) => {
          const parts = await Promise.all(
            PARTS.map((filter) => runLaws(runtime, { ...options, filter })),
          );
          for (const { failed, output } of parts) {
            assertEquals(failed, [], `${runtime.name}: ${output}`);
          }
          const held = parts.flatMap(({ held }) => held);
          const counts = KINDS.map((kind) => {
            const laws = held.filter((law) => law.startsWith(`${kind}: `));
            return `${kind} ${laws.length}`;
          });
          console.log(`${runtime.name}: laws that hold: ${counts.join(", ")}`);
          assert(held.length > 350, `${runtime.name} ran ${held.length} laws`);
        }));
      });
    }),
});

/** Makes a folder in which programs use the package. */
async function install(folder: string): Promise<void> {
  await buildPackage(`${folder}/parley.tgz`);
  const scripts = ["laws", "promises", "qmp", "refused_kill"];
  for (
    const name of [...scripts.map((name) => `${name}.mjs`), "consumer.mts"]
  ) {
    await Deno.copyFile(
      new URL(name, import.meta.url),
      `${folder}/${name}`,
    );
  }
  await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module" }');
  await run([
    ...["npm", "install", "--no-audit", "--no-fund", "./parley.tgz"],
    ...["bun@1.4.5", "typescript@5.9.3", "@types/node@20.19.43"],
  ], folder);
}

async function run(
  [program = "", ...args]: string[],
  cwd: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    signal: AbortSignal.timeout(60_000),
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  assert(success, `${program} ${args.join(" ")}: ${output}`);
  return decoder.decode(stdout);
}
