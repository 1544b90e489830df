import { assertEquals, assertStrictEquals } from "@std/assert";
import { QMPClient, type QMPEventListener } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { event, Script } from "../support/qmp/qmp_script.ts";

Deno.test("events and commands have the types of the schema", async () => {
  interface Schema {
    commands: {
      stop: { arguments: Record<never, never>; returns: Record<never, never> };
      resize: { arguments: { size: number }; returns: { old: number } };
    };
    events: { STOP: undefined; RESIZED: { size: number } };
  }
  const [near, far] = memoryPair();
  const client = new QMPClient<Schema>();
  const server = await Script.over(far);
  await Promise.all([client.connect(near), server.shakeHands()]);

  const resizing = client.execute("resize", { size: 5 });
  server.answer(await server.command(), { old: 4 });
  const { old }: { old: number } = await resizing;
  assertEquals(old, 4);
  // deno-lint-ignore no-unused-vars
  const refused = () => [
    // @ts-expect-error: no such command
    client.execute("resise", { size: 5 }),
    // @ts-expect-error: no such argument
    client.execute("resize", { sise: 5 }),
    // @ts-expect-error: an argument is missing
    client.execute("resize"),
    // @ts-expect-error: no such event
    client.listen("STOPPED"),
    // @ts-expect-error: no such event
    client.events.next("STOPPED"),
    // @ts-expect-error: no such event
    client.events.next(["STOP", "STOPPED"]),
    // @ts-expect-error: not an event of this listener
    client.listen("STOP").next("RESIZED"),
    // @ts-expect-error: STOP has no data
    client.events.next("STOP").then(({ data }) => data.size),
    // @ts-expect-error: STOP has no data
    client.events.next("STOP", { filter: ({ data }) => data.size === 5 }),
    client.events.next(["STOP", "RESIZED"]),
    client.execute("stop"),
  ];

  const listener = client.listen("RESIZED");
  server.send(event("RESIZED", { size: 5 }));
  const { data }: { data: { size: number } } = await listener.next();
  assertEquals(data.size, 5);
  const narrowed = client.events.next("RESIZED", {
    filter: ({ data }) => data.size === 5,
  });
  const size: number = (await narrowed).data.size;
  assertEquals(size, 5);
  server.send(event("RESIZED", { size: 5 }));
  const any = client.events;
  server.send(event("STOP"));
  for await (const event of any) {
    if (event.event === "STOP") break;
    const { size }: { size: number } = event.data;
    assertEquals(size, 5);
  }
  await client.disconnect();
  await server.end();
});

Deno.test("a function that takes any client takes clients and listeners with a schema", () => {
  interface Commands {
    stop: { arguments: { force?: boolean }; returns: object };
  }
  interface Events {
    STOP: undefined;
    RESIZED: { size: number };
  }
  interface Schema {
    commands: Commands;
    events: Events;
  }
  const greet = (client: QMPClient): string => client.runstate;
  const count = (listener: QMPEventListener): number => listener.dropped;
  const client = new QMPClient<Schema>();
  const clients: QMPClient[] = [client, new QMPClient()];
  assertEquals(clients.map(greet), ["idle", "idle"]);
  assertEquals([client.events, client.listen("STOP")].map(count), [0, 0]);
  interface Other {
    commands: { sing: { arguments: object; returns: object } };
    events: { SONG: undefined };
  }
  // @ts-expect-error: the schema of another server
  const other: QMPClient<Other> = client;
  assertStrictEquals<unknown>(other, client);
});
