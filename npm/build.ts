/**
 * Builds the npm package, which runs in Node from version 20.4 on and in Bun: `deno
 * pack` makes it, and esbuild replaces what Node 20 lacks.
 *
 * Run it with the file to write: `deno task npm parley.tgz`.
 *
 * @module
 */
import { stop, transform } from "esbuild";
import { commandLine } from "../examples/support/command_line.ts";

/** Functions that Node 20 lacks, and what a module gets in their place. */
const REPLACEMENTS: Readonly<Record<string, { name: string; code: string }>> = {
  "Promise.withResolvers": {
    name: "withResolvers",
    code: `function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...functions) => [resolve, reject] = functions);
  return { promise, resolve, reject };
}
`,
  },
  "Map.groupBy": {
    name: "groupBy",
    code: `function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...groups.get(key) ?? [], item]);
  }
  return groups;
}
`,
  },
};

/** Builds the package as a `.tgz` file. */
export async function buildPackage(file: string): Promise<void> {
  const root = new URL("../", import.meta.url).pathname;
  const folder = await Deno.makeTempDir();
  try {
    const packed = `${folder}/packed.tgz`;
    const pack = ["pack", "--allow-dirty", "--no-source-maps", "-o", packed];
    await run(Deno.execPath(), pack, root);
    await run("tar", ["xzf", packed], folder);
    await adapt(`${folder}/package`);
    await run("tar", ["czf", `${folder}/done.tgz`, "package"], folder);
    await Deno.copyFile(`${folder}/done.tgz`, file);
  } finally {
    await stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Adapts each module in a folder and below. */
async function adapt(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await adapt(path);
    else if (name.endsWith(".js")) {
      await Deno.writeTextFile(
        path,
        await adapted(await Deno.readTextFile(path)),
      );
    } else if (name === "package.json") {
      const description = JSON.parse(await Deno.readTextFile(path));
      const engines = { node: ">=20.4" };
      const text = JSON.stringify({ ...description, engines }, null, 2);
      await Deno.writeTextFile(path, text);
    }
  }
}

async function adapted(code: string): Promise<string> {
  const needed = Object.entries(REPLACEMENTS)
    .filter(([call]) => code.includes(call));
  const result = await transform(code, {
    target: "node20",
    define: Object.fromEntries(needed.map(([call, { name }]) => [call, name])),
    footer: needed.map(([, { code }]) => code).join(""),
  });
  return result.code;
}

async function run(
  command: string,
  args: string[],
  cwd: string,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd })
    .output();
  if (success) return;
  throw new Error(
    `Cannot run ${command} ${args.join(" ")}: ${
      new TextDecoder().decode(stderr)
    }`,
  );
}

if (import.meta.main) {
  const [file = ""] = commandLine("FILE");
  await buildPackage(file);
}
