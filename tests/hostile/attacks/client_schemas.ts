import { deadline } from "@std/async";
import { QMPClient, QMPServer } from "../../../qmp/mod.ts";
import { readSchema } from "../../../qmp/_schema/read_schema.ts";
import { typescriptOf } from "../../../qmp/_schema/typescript.ts";
import { Guide } from "../../../qmp/_shell/guide.ts";
import { QMPDialect } from "../../../qmp/_shell/qmp_dialect.ts";
import type { Attack } from "../attack.ts";
import { startClient } from "../attacked_client.ts";

/** The number of entries or members of a schema at full scale: 1 to 2 MiB. */
const ENTRIES = 20_000;

/** A client in an endless loop does not ask for the next schema. */
const WAIT_MS = 120_000;

/** Uses a schema as `generate.ts` and the shell do. */
async function useSchemas(client: QMPClient): Promise<void> {
  for (;;) {
    const infos = readSchema(await client.execute("query-qmp-schema"));
    typescriptOf(infos, "An attack.");
    const dialect = new QMPDialect(new Guide(infos));
    dialect.complete("use ");
    dialect.read("use x=1 x.x=2 x.x.x=3");
  }
}

/** Schemas in which a type refers to many types, and each of these to many. */
export const attack: Attack = {
  name:
    "shell and generate.ts: schemas that double, are circular or have many references",
  maxMemory: 320,
  maxBlock: 2000,
  start: (folder) =>
    startClient(folder, async (transport) => {
      await using client = new QMPClient();
      await client.connect(transport);
      await useSchemas(client);
    }),
  async run({ transport }, scale) {
    const schemas = schemasOf(Math.ceil(ENTRIES * scale));
    let sent = 0;
    await using server = new QMPServer({
      commands: {
        "query-qmp-schema": (_, { server }) => {
          const schema = schemas.shift();
          if (!schema) return void server.close().catch(() => {});
          sent += JSON.stringify(schema).length;
          return schema;
        },
      },
    });
    const { closed } = server.serve(await transport.listen());
    await deadline(closed, WAIT_MS);
    return `${(sent / 2 ** 20).toFixed(1)} MiB`;
  },
};

function schemasOf(n: number): object[][] {
  const command = {
    name: "use",
    "meta-type": "command",
    "arg-type": "0",
    "ret-type": "0",
  };
  const object = (name: string, ...types: string[]) => ({
    name,
    "meta-type": "object",
    members: types.map((type, i) => ({ name: i ? `x${i}` : "x", type })),
  });
  const alternate = (name: string, ...types: string[]) => ({
    name,
    "meta-type": "alternate",
    members: types.map((type) => ({ type })),
  });
  const times = <T>(make: (i: number) => T) =>
    Array.from({ length: n }, (_, i) => make(i));
  return [
    [
      command,
      object("0", "1"),
      ...times((i) => alternate(`${i + 1}`, `${i + 2}`, `${i + 2}`)),
    ],
    [command, object("0", "1"), alternate("1", "1")],
    [command, ...times((i) => object(`${i}`, `${i + 1}`, `${i + 1}`))],
    [
      command,
      object("0", ...times(() => "1")),
      alternate("1", ...times((i) => `o${i}`)),
      ...times((i) => object(`o${i}`, "0")),
    ],
    [command, object("0", ...times(() => "1")), {
      name: "1",
      "meta-type": "enum",
      values: times((i) => `v${i}`),
    }],
    [
      command,
      ...times((i) => ({
        name: `${i}`,
        "meta-type": "array",
        "element-type": `${i + 1}`,
      })),
    ],
    [
      command,
      ...times((i) => ({
        ...object(`${i}`, "0"),
        tag: "x",
        variants: [{ case: "1", type: `${i + 1}` }, {
          case: "2",
          type: `${i + 1}`,
        }],
      })),
    ],
  ];
}
