import { assertEquals, assertLessOrEqual } from "@std/assert";

const root = new URL("../../", import.meta.url);
const pages = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
];
for await (const { name } of Deno.readDir(new URL("docs/", root))) {
  if (name.endsWith(".md")) pages.push(`docs/${name}`);
}

async function exists(url: URL): Promise<boolean> {
  return await Deno.stat(url).then(() => true, () => false);
}

/** The anchors of a page's headings, as hosts of Markdown make them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

for (const page of pages) {
  Deno.test(`${page}: every link and every path leads to something`, async () => {
    const url = new URL(page, root);
    const text = await Deno.readTextFile(url);
    const missing: string[] = [];
    for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^\w+:/.test(link)) continue;
      const target = new URL(link, url);
      const anchor = target.hash.slice(1);
      target.hash = "";
      if (!await exists(target)) missing.push(link);
      else if (anchor !== "") {
        const anchors = anchorsOf(await Deno.readTextFile(target));
        if (!anchors.includes(anchor)) missing.push(link);
      }
    }
    const room =
      /`((?:bench|docs|examples|jsonrpc|msgpack|protocol|qmp|testing|tests|transports|typed_std)\/[\w./-]*)`/g;
    for (const [, path = ""] of text.matchAll(room)) {
      if (!await exists(new URL(path, root))) missing.push(path);
    }
    assertEquals(missing, []);
  });
}

/** The value of a default as a table of the documentation says it. */
function defaultOf(cell: string): string {
  const units = { KiB: 2 ** 10, MiB: 2 ** 20, s: 1000 };
  const [, number, unit] = /^(\d+) (KiB|MiB|s)$/.exec(cell) ?? [];
  if (number) return String(Number(number) * units[unit as keyof typeof units]);
  return cell === "none" ? "undefined" : cell.replaceAll("`", "");
}

const read = (path: string) => Deno.readTextFile(new URL(path, root));

Deno.test("ARCHITECTURE.md says what each internal folder of a room contains", async () => {
  const page = await read("ARCHITECTURE.md");
  const missing: string[] = [];
  for (const [, room = ""] of page.matchAll(/^\| `(\w+)\/_/gm)) {
    for await (const { name } of Deno.readDir(new URL(`${room}/`, root))) {
      const folder = `${room}/${name}/`;
      if (!/^_(?!util$|deps)/.test(name) || missing.includes(folder)) continue;
      if (!page.includes(`\`${folder}\``)) missing.push(folder);
    }
  }
  assertEquals(missing, []);
});

Deno.test("docs/protocols.md lists every hook of AsyncProtocol", async () => {
  const [, , hooks = ""] = (await read("protocol/async_protocol.ts"))
    .split(/\/\/ (?:Public interface|Hooks for subclasses|Message I\/O)\n/);
  const [, table = ""] = (await read("docs/protocols.md")).split("| hook ");
  const listed = (table.split("\n\n", 1)[0] ?? "").matchAll(/^\| `(\w+)\(/gm);
  const names = (matches: Iterable<RegExpMatchArray>) =>
    Array.from(matches, ([, name]) => name).sort();
  assertEquals(
    names(listed),
    names(hooks.matchAll(/^ {2}protected (?:abstract )?(\w+)\(/gm)),
  );
});

Deno.test("docs/protocols.md lists every option of AsyncProtocol with its default", async () => {
  const [source = ""] = (await read("protocol/async_protocol_options.ts"))
    .split("/** Options of `disconnect()`. */");
  const page = await read("docs/protocols.md");
  const [, table = ""] = page.split("| option ");
  const rows = (table.split("\n\n", 1)[0] ?? "")
    .matchAll(/^\| `(\w+)` *\| (.*?) *\|/gm);
  assertEquals(
    Array.from(rows, ([, name, cell = ""]) => [name, defaultOf(cell)]),
    Array.from(
      source.matchAll(/@default \{(.*)\}\s*\*\/\s*(\w+)\?:/g),
      ([, value, name]) => [name, value],
    ),
  );
});

for (
  const [page, lines] of [["README.md", 160], ["ARCHITECTURE.md", 120]] as const
) {
  Deno.test(`${page} has at most ${lines} lines`, async () => {
    const text = await Deno.readTextFile(new URL(page, root));
    assertLessOrEqual(text.trimEnd().split("\n").length, lines);
  });
}
