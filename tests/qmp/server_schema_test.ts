import { assert, assertEquals, assertRejects } from "@std/assert";
import { ExecuteError, QMPClient, QMPServer } from "../../qmp/mod.ts";
import { memory } from "../../transports/mod.ts";
import type { Message } from "../support/qmp/qmp_script.ts";
import { served } from "../support/qmp/served_qmp.ts";

Deno.test("declared arguments are checked before the handler runs", async () => {
  const seen: unknown[] = [];
  await using both = await served({
    commands: {
      resize: {
        arguments: {
          device: "str",
          size: "int",
          "force?": "bool",
          "nodes?": [{ name: "str", "weight?": "number" }],
        },
        run: (args) => void seen.push(args),
      },
    },
  });
  const { client } = both;
  const refusal = async (args: Message) => {
    const error = await assertRejects(
      () => client.execute("resize", args),
      ExecuteError,
    );
    assertEquals(error.errorClass, "GenericError");
    return error.description;
  };
  const good = { device: "a", size: 2n ** 60n };
  assertEquals(await refusal({ device: "a" }), "Parameter 'size' is missing");
  assertEquals(
    await refusal({ ...good, sise: 1 }),
    "Parameter 'sise' is unexpected",
  );
  assertEquals(
    await refusal({ device: "a", size: "1" }),
    "Invalid parameter type for 'size', expected: int",
  );
  assertEquals(
    await refusal({ ...good, force: 1 }),
    "Invalid parameter type for 'force', expected: boolean",
  );
  assertEquals(
    await refusal({ ...good, nodes: {} }),
    "Invalid parameter type for 'nodes', expected: array",
  );
  assertEquals(
    await refusal({ ...good, nodes: [{ name: "a" }, 5] }),
    "Invalid parameter type for 'nodes[1]', expected: object",
  );
  assertEquals(
    await refusal({ ...good, nodes: [{ weight: 1 }] }),
    "Parameter 'nodes[0].name' is missing",
  );
  assertEquals(seen, []);
  const full = { ...good, force: true, nodes: [{ name: "a", weight: 0.5 }] };
  await client.execute("resize", full);
  assertEquals(seen, [full]);
});

Deno.test("query-commands and query-qmp-schema list the registered commands and events", async () => {
  await using both = await served({
    commands: {
      stop: () => {},
      resize: {
        arguments: { size: "int", "nodes?": [{ name: "str" }] },
        returns: "bool",
        oob: true,
        run: () => true,
      },
    },
    events: { STOP: {}, RESIZED: { size: "int" } },
  });
  const { client } = both;
  const commands = await client.execute("query-commands") as Message[];
  const names = commands.map(({ name }) => name);
  const own = ["query-version", "query-commands", "query-qmp-schema", "quit"];
  assertEquals(
    new Set(names),
    new Set(["qmp_capabilities", ...own, "stop", "resize"]),
  );
  const schema = await client.execute("query-qmp-schema") as Message[];
  const entities = new Map(schema.map((info) => [info.name, info]));
  assertEquals(entities.size, schema.length);
  const resize = entities.get("resize");
  assertEquals(resize?.["meta-type"], "command");
  assertEquals(resize?.["allow-oob"], true);
  assertEquals(entities.get(resize?.["ret-type"]), {
    name: "bool",
    "meta-type": "builtin",
    "json-type": "boolean",
  });
  const args = entities.get(resize?.["arg-type"]);
  const [size, nodes] = args?.members as Message[];
  assertEquals(size, { name: "size", type: "int" });
  assertEquals(nodes?.default, null);
  const array = entities.get(nodes?.type);
  assertEquals(array?.["meta-type"], "array");
  const element = entities.get(array?.["element-type"]);
  assertEquals(element?.members, [{ name: "name", type: "str" }]);
  const stop = entities.get("STOP");
  assertEquals(stop?.["meta-type"], "event");
  assertEquals(entities.get(stop?.["arg-type"])?.members, []);
  for (const info of schema) {
    for (const key of ["arg-type", "ret-type", "element-type"]) {
      if (key in info) assert(entities.has(info[key]), `${info[key]}`);
    }
  }
});

Deno.test("handlers, results and events are typed by the schema", async () => {
  interface Schema {
    commands: {
      resize: { arguments: { size: number }; returns: { old: number } };
      stop: { arguments: Record<never, never>; returns: Record<never, never> };
    };
    events: { STOP: undefined; RESIZED: { size: number } };
  }
  const transport = memory();
  await using server = new QMPServer<Schema>({
    commands: {
      resize: async ({ size }, { session }) => {
        await session.emit("RESIZED", { size });
        return { old: size - 1 };
      },
      stop: async (_, { server }) => {
        await server.emit("STOP");
      },
      // @ts-expect-error: no such command
      resise: () => {},
    },
  });
  // deno-lint-ignore no-unused-vars
  const refused = () => [
    // @ts-expect-error: no such event
    server.emit("STOPPED"),
    // @ts-expect-error: data is missing
    server.emit("RESIZED"),
    new QMPServer<Schema>({
      // @ts-expect-error: another result
      commands: { resize: () => ({ old: "5" }) },
    }),
  ];
  server.serve(await transport.listen());
  await using client = new QMPClient<Schema>();
  await client.connect(transport);
  assertEquals(await client.execute("resize", { size: 5 }), { old: 4 });
  assertEquals((await client.events.next("RESIZED")).event, "RESIZED");
  await client.execute("stop");
  assertEquals((await client.events.next("STOP")).event, "STOP");
});
