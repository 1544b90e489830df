import { assert, assertEquals } from "@std/assert";

/** Makes a connection of any pair of streams, wherever there is a Web platform. */
const FROM_STREAMS = "transports/from_streams.ts";

/**
 * The rooms or files that the files of each room may import, as code or only as
 * types. This is the picture of the design, as data.
 */
const PICTURE: Record<string, { code: string[]; types: string[] }> = {
  transports: { code: [], types: ["typed_std"] },
  protocol: { code: [FROM_STREAMS], types: ["transports", "typed_std"] },
  qmp: { code: ["protocol"], types: ["transports", "typed_std"] },
  jsonrpc: { code: ["protocol"], types: ["transports", "typed_std"] },
  msgpack: { code: ["protocol", "jsonrpc"], types: ["transports"] },
  testing: { code: ["transports", "protocol"], types: ["typed_std"] },
};

/** Rooms that run on every Web platform. */
const WEB_ONLY = ["protocol", "qmp", "jsonrpc", "msgpack"];

/** The one file that asks for Deno, and does without it. */
const ASKS_FOR_DENO = "transports/_util/system_errors.ts";

/** Files that start processes or are run by hand: no `mod.ts` imports them. */
const PROGRAMS = ["qmp/shell.ts", "qmp/generate.ts", "qmp/launch.ts"];

type ImportKind = "code" | "type";

/** Entry points beside the `mod.ts` of their room, which does not export them. */
const ADAPTERS = ["jsonrpc/acp.ts", "jsonrpc/lsp.ts", "jsonrpc/mcp.ts"];

/** The entry point of transports over Node's modules. */
const NODE = "transports/node.ts";

interface Import {
  specifier: string;
  code?: { specifier?: string };
  type?: { specifier?: string };
}

const root = new URL("../../", import.meta.url);
const files = await libraryFiles();
const imports = await importsOf(files);
const entries = files.filter((file) => /(^|\/)(mod|browser)\.ts$/.test(file));
const library = reachedFrom([...entries, ...ADAPTERS, NODE]);
const entryPoints = Object.values<string>(
  JSON.parse(await read("deno.json")).exports,
).map((path) => path.replace("./", ""));

Deno.test("rooms import one another only in the direction of the picture", () => {
  const wrong = [];
  for (const file of library) {
    const room = roomOf(file);
    const allowed = PICTURE[room];
    if (!allowed) continue;
    for (const { code, type } of importsIn(file)) {
      for (const [target, kind] of [[code, "code"], [type, "type"]] as const) {
        const other = target?.specifier && local(target.specifier);
        if (!other || roomOf(other) === room) continue;
        const rooms = kind === "code"
          ? allowed.code
          : [...allowed.code, ...allowed.types];
        if (!rooms.includes(roomOf(other)) && !rooms.includes(other)) {
          wrong.push(`${file} imports ${kind} from ${other}`);
        }
      }
    }
  }
  assertEquals(wrong, []);
  for (const room of ["transports", "protocol", "qmp"]) {
    assert(library.has(`${room}/mod.ts`), `${room} was not looked at`);
  }
});

Deno.test("no modules import one another in a cycle, types included", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
    } else if (!done.has(file)) {
      for (const next of targetsOf(file)) visit(next, [...path, file]);
      done.add(file);
    }
  };
  for (const file of library) visit(file, []);
  assertEquals(cycles, []);
});

Deno.test("internal files are in folders that start with an underscore, and no other name starts so", () => {
  const named = files.filter((file) => /(^|\/)_[^/]*\.ts$/.test(file));
  assertEquals(named.filter((file) => !file.endsWith("/_deps.ts")), []);
});

Deno.test("no mod.ts imports a program", () => {
  assertEquals(PROGRAMS.filter((program) => library.has(program)), []);
});

Deno.test("no mod.ts re-exports an internal file", () => {
  const internal = entries.flatMap((entry) =>
    importsIn(entry)
      .filter(({ specifier }) => specifier.includes("/_"))
      .map(({ specifier }) => `${entry}: ${specifier}`)
  );
  assertEquals(internal, []);
});

Deno.test("every entry point is a mod.ts, an adapter or a program", () => {
  const known = [...entries, ...ADAPTERS, NODE, ...PROGRAMS];
  const others = entryPoints.filter((file) => !known.includes(file));
  assertEquals(others, []);
});

Deno.test("every mod.ts and adapter begins with a module doc that has one example", async () => {
  const wrong = [];
  for (const file of [...entries, ...ADAPTERS, NODE]) {
    const [doc = ""] = /^\/\*\*.*?\*\//s.exec(await read(file)) ?? [];
    const examples = doc.match(/@example/g) ?? [];
    if (!doc.includes("@module") || examples.length !== 1) wrong.push(file);
  }
  assertEquals(wrong, []);
});

for (const file of entryPoints) {
  Deno.test(`${file} documents all its exports, and exports all types that they use`, async () => {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--lint", file],
      cwd: root,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  });
}

Deno.test("nothing that a browser imports uses Deno's APIs or Node's modules", async () => {
  const found: string[] = [];
  const plugin: Deno.lint.Plugin = {
    name: "web-only",
    rules: {
      "no-deno": {
        create: (context) => ({
          'Identifier[name="Deno"]': () => found.push(context.filename),
        }),
      },
    },
  };
  const lint = async (file: string) =>
    Deno.lint.runPlugin(plugin, file, await read(file));
  const reached = reachedFrom(["browser.ts", ...ADAPTERS], ["code"]);
  const web = new Set(reached);
  for (const file of library) {
    if (WEB_ONLY.includes(roomOf(file))) web.add(file);
  }
  for (const file of web) if (file !== ASKS_FOR_DENO) await lint(file);
  assertEquals(found, []);
  await lint(ASKS_FOR_DENO);
  assertEquals(new Set(found), new Set([ASKS_FOR_DENO]));

  const node = [...web].filter((file) =>
    importsIn(file).some(({ specifier }) => specifier.startsWith("node:"))
  );
  assertEquals(node, []);
  for (const room of [...WEB_ONLY, "transports"]) {
    assert([...web].some((file) => roomOf(file) === room), room);
  }
});

Deno.test("no module of the library awaits at its top level", async () => {
  const found: string[] = [];
  const plugin: Deno.lint.Plugin = {
    name: "no-await",
    rules: {
      "top-level": {
        create: (context) => ({
          AwaitExpression(node) {
            const outer = context.sourceCode.getAncestors(node);
            if (outer.some(({ type }) => type.includes("Function"))) return;
            found.push(context.filename);
          },
        }),
      },
    },
  };
  for (const file of [...library, ...PROGRAMS]) {
    Deno.lint.runPlugin(plugin, file, await read(file));
  }
  assertEquals(new Set(found), new Set(["qmp/shell.ts", "qmp/generate.ts"]));
});

Deno.test("library code imports relative paths and node:, and npm: with its version in _deps.ts alone", () => {
  const wrong = [];
  for (const file of files) {
    for (const { specifier } of importsIn(file)) {
      const npm = /^npm:(@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+(\/.*)?$/;
      const right = file.endsWith("/_deps.ts") && npm.test(specifier) ||
        /^(\.\.?\/|node:)/.test(specifier);
      if (!right) wrong.push(`${file}: ${specifier}`);
    }
  }
  assertEquals(wrong, []);
});

function roomOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : ".";
}

/** A module's path in the project, or undefined for other modules. */
function local(url: string): string | undefined {
  return url.startsWith(root.href) ? url.slice(root.href.length) : undefined;
}

function importsIn(file: string): Import[] {
  const found = imports.get(file);
  assert(found, `${file} is not in the module graph`);
  return found;
}

function reachedFrom(
  starts: string[],
  kinds: ImportKind[] = ["code", "type"],
): Set<string> {
  const reached = new Set(starts);
  for (const file of reached) {
    for (const next of targetsOf(file, kinds)) reached.add(next);
  }
  return reached;
}

/** The modules of the project that a module imports, as code or as types. */
function targetsOf(
  file: string,
  kinds: ImportKind[] = ["code", "type"],
): string[] {
  return importsIn(file).flatMap((imported) =>
    kinds.flatMap((kind) => {
      const url = imported[kind]?.specifier;
      return url === undefined ? [] : local(url) ?? [];
    })
  );
}

function read(file: string): Promise<string> {
  return Deno.readTextFile(new URL(file, root));
}

async function libraryFiles(folder = ""): Promise<string[]> {
  const found = [];
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = folder + entry.name;
    if (entry.isDirectory && (folder || path in PICTURE)) {
      found.push(...await libraryFiles(`${path}/`));
    } else if (entry.isFile && path.endsWith(".ts")) {
      found.push(path);
    }
  }
  return found.sort();
}

/** The output of `deno info` for the files and everything that they import. */
async function importsOf(files: string[]): Promise<Map<string, Import[]>> {
  const start = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) => `import "${new URL(file, root)}";\n`);
    await Deno.writeTextFile(start, lines.join(""));
    const config = new URL("deno.json", root).pathname;
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", config, start],
      stderr: "inherit",
    }).output();
    assert(success);
    const { modules } = JSON.parse(new TextDecoder().decode(stdout));
    const found = new Map<string, Import[]>();
    for (const { specifier, dependencies = [] } of modules) {
      const file = local(specifier);
      if (file) found.set(file, dependencies);
    }
    return found;
  } finally {
    await Deno.remove(start);
  }
}
