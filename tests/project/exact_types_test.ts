/** A consumer whose compiler is stricter than ours. */
import { assert, assertEquals } from "@std/assert";
import { inFolder } from "../support/in_folder.ts";

const root = new URL("../../", import.meta.url);

/** Entry points that lead to every public type. */
const ENTRIES = [
  ...["mod.ts", "testing/mod.ts", "msgpack/mod.ts", "qmp/launch.ts"],
  ...["jsonrpc/lsp.ts", "jsonrpc/acp.ts", "jsonrpc/mcp.ts"],
];

const consumer = `
  import {
    AsyncProtocol, jsonLines, lengthPrefixed, lines, Peer,
    QMPClient, serve, tcp,
  } from "ROOT/mod.ts";
  import { testCodec } from "ROOT/testing/mod.ts";
  ${ENTRIES.map((entry) => `import "ROOT/${entry}";`).join("\n")}

  interface Settings { limit?: number; signal?: AbortSignal; newline?: "\\r\\n" }
  declare const settings: Settings;

  // A protocol as in the README, with options that may be undefined.
  export class Adder extends AsyncProtocol<string> {
    protected override createCodec() {
      return lines({
        maxMessageBytes: this.maxMessageBytes,
        newline: settings.newline,
      });
    }
  }
  export const peer = new Peer({
    codec: () => jsonLines({ maxMessageBytes: settings.limit }),
    maxMessageBytes: settings.limit,
    highWaterMark: undefined,
  });
  export const codec = lengthPrefixed({
    lengthFieldLength: undefined,
    endianness: undefined,
    maxMessageBytes: settings.limit,
  });
  export async function start() {
    const transport = tcp({ port: 0 });
    const listener = await transport.listen({ signal: settings.signal });
    await peer.connect(transport, { signal: settings.signal });
    await new QMPClient({ maxMessageBytes: settings.limit })
      .connect(transport, { signal: undefined });
    return serve(listener, () => new Adder(), { maxSessions: settings.limit });
  }
  testCodec("lines()", lines, {}, { sized: undefined, messages: undefined });
`;

Deno.test("a consumer with exactOptionalPropertyTypes type-checks, and gives undefined for options", () =>
  inFolder(async (folder) => {
    const compilerOptions = {
      ...{ strict: true, exactOptionalPropertyTypes: true },
      ...{ noUncheckedIndexedAccess: true, noImplicitOverride: true },
    };
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ compilerOptions }),
    );
    const source = consumer.replaceAll("ROOT", root.href.replace(/\/$/, ""));
    await Deno.writeTextFile(`${folder}/main.ts`, source);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "main.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  }));

interface Type {
  kind: string;
  value: unknown;
}

/** Whether a type, as `deno doc` describes it, takes `undefined`. */
function takesUndefined({ kind, value }: Type): boolean {
  if (kind === "union") return (value as Type[]).some(takesUndefined);
  if (kind === "parenthesized") return takesUndefined(value as Type);
  return kind === "keyword" && ["undefined", "unknown"].includes(`${value}`);
}

Deno.test("every option takes undefined", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...ENTRIES],
    cwd: root,
    stderr: "inherit",
  }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  let options = 0;
  const wrong: string[] = [];
  for (const { symbols } of Object.values<{ symbols: DocSymbol[] }>(nodes)) {
    for (const { name, declarations } of symbols) {
      if (!/(Options|Plan|Policy)$/.test(name)) continue;
      for (const { kind, def } of declarations) {
        if (kind !== "interface") continue;
        for (const property of def.properties ?? []) {
          if (!property.optional) continue;
          options++;
          if (!takesUndefined(property.tsType)) {
            wrong.push(`${name}.${property.name}`);
          }
        }
      }
    }
  }
  assertEquals(wrong, []);
  assert(options > 100, `${options} options were looked at`);
});

interface DocSymbol {
  name: string;
  declarations: {
    kind: string;
    def: {
      properties?: { name: string; optional: boolean; tsType: Type }[];
    };
  }[];
}
