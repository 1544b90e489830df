import { assertEquals, assertThrows } from "@std/assert";
import {
  QMPClient,
  type QMPMembers,
  QMPServer,
  type QMPServerOptions,
} from "../../qmp/mod.ts";
import { memory } from "../../transports/mod.ts";
import type { Message } from "../support/qmp/qmp_script.ts";
import { agreedSession } from "../support/qmp/raw_qmp_session.ts";

/** Names that every object has, or that are special to JavaScript. */
const NAMES = [
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"],
  ...["__defineGetter__", "prototype", "then", "toJSON", ""],
];

/** An object with such a member of its own. */
function withOwn<T>(name: string, value: T): Record<string, T> {
  return Object.defineProperty({}, name, { value, enumerable: true });
}

for (const name of NAMES) {
  const shown = JSON.stringify(name);
  Deno.test(`${shown} as an unknown command: not found, in or out of band`, async () => {
    await using both = await agreedSession({
      commands: { now: { oob: true, run: () => {} } },
    }, "oob");
    const { client } = both;
    for (const key of ["execute", "exec-oob"]) {
      await client.write(JSON.stringify({ [key]: name }));
      assertEquals(await client.next(), {
        error: {
          class: "CommandNotFound",
          desc: `The command ${name} has not been found`,
        },
      });
    }
  });

  Deno.test(`${shown} as a command, an argument, an event and an id is a normal name`, async () => {
    const seen: Message[] = [];
    const members: QMPMembers = withOwn(name, "int");
    await using both = await agreedSession({
      commands: withOwn(name, {
        arguments: members,
        run: (args: Message) => {
          seen.push(args);
          return args;
        },
      }) as QMPServerOptions["commands"],
      events: withOwn(name, members),
    });
    const { client, session } = both;
    const ask = async (args: Message) => {
      const message = {
        execute: name,
        arguments: args,
        id: withOwn(name, 1),
      };
      await client.write(JSON.stringify(message));
      return await client.next();
    };
    const args = withOwn(name, 5);
    assertEquals(await ask(args), { return: args, id: withOwn(name, 1) });
    assertEquals(seen, [args]);
    const missing = await ask({}) as { error: Message };
    assertEquals(missing.error.desc, `Parameter '${name}' is missing`);
    const wrong = await ask(withOwn(name, "x")) as { error: Message };
    assertEquals(
      wrong.error.desc,
      `Invalid parameter type for '${name}', expected: int`,
    );
    const other = await ask({ ...args, other: 1 }) as { error: Message };
    assertEquals(other.error.desc, "Parameter 'other' is unexpected");
    const told = client.next();
    await session.emit(name, args);
    const event = await told;
    assertEquals([event?.event, event?.data], [name, args]);
  });

  Deno.test(`${shown} in the introspection is a normal name`, async () => {
    const members: QMPMembers = withOwn(name, [withOwn(name, "str")]);
    const transport = memory();
    await using server = new QMPServer({
      commands: withOwn(name, {
        arguments: members,
        returns: members,
        run: () => {},
      }) as QMPServerOptions["commands"],
      events: withOwn(name, members),
    });
    server.serve(await transport.listen());
    await using client = new QMPClient();
    await client.connect(transport);
    const schema = await client.execute("query-qmp-schema") as Message[];
    const infos = schema.filter((info) => info.name === name);
    assertEquals(infos.map((info) => info["meta-type"]), ["command", "event"]);
    const [info] = schema.filter((other) =>
      other.name === infos[0]?.["arg-type"]
    );
    assertEquals((info?.members as Message[]).map((member) => member.name), [
      name,
    ]);
  });

  Deno.test(`${shown} as a type: refused when the server is made`, () => {
    for (
      const options of [
        { commands: { a: { run: () => {}, returns: name } } },
        { commands: { a: { run: () => {}, arguments: { b: [name] } } } },
        { events: { A: { b: { c: name } } } },
      ]
    ) {
      assertThrows(
        () => new QMPServer(options as unknown as QMPServerOptions),
        TypeError,
        `is ${shown}: it must be one of str, int, number, bool, null, any`,
      );
    }
  });
}
