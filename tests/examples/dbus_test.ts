import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { busTransport } from "../../examples/dbus/address.ts";
import { Bus, type BusOptions, DBusError } from "../../examples/dbus/bus.ts";
import type { Message } from "../../examples/dbus/codec.ts";
import {
  CallInterruptedError,
  ConnectError,
  EventOverflowError,
  type EventQueue,
  reconnecting,
  StateError,
} from "../../mod.ts";
import { faulty, type InjectedFault } from "../../testing/mod.ts";
import { EVERYTHING, everything } from "../support/examples/dbus_values.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { atOnce } from "../support/protocol/reconnected.ts";
import { runDeno } from "../support/program.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";
import { inFolder } from "../support/in_folder.ts";

const daemon = needs("dbus-daemon", "dbus-send");

/** Everything is allowed, as on the bus of a user's session. */
const OPEN = `<allow send_destination="*"/><allow receive_sender="*"/>
  <allow own="*"/>`;

/** What the bus of a system allows of itself. */
const SYSTEM = `<allow receive_sender="*"/><deny send_type="method_call"/>
  <allow send_destination="org.freedesktop.DBus"
    send_interface="org.freedesktop.DBus"/>`;

const config = (path: string, policy: string, auth: string) =>
  `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${path}</listen>
  <auth>${auth}</auth>
  <policy context="default">
    ${policy}
  </policy>
</busconfig>`;

/** Starts a bus of its own, at this path or in its own folder. */
async function startBus(
  path?: string,
  policy = OPEN,
  auth = "EXTERNAL",
): Promise<RealServer & { address: string }> {
  let address = "";
  const server = await startServer({
    program: "dbus-daemon",
    args: async (folder) => {
      const file = `${folder}/bus.conf`;
      const text = config(path ?? `${folder}/bus`, policy, auth);
      await Deno.writeTextFile(file, text);
      return ["--nofork", "--print-address=2", `--config-file=${file}`];
    },
    ready: /^unix:\S+$/,
  }, async (process) => {
    [address] = await process.ready();
    return busTransport(address);
  });
  return { ...server, address };
}

async function connected(
  { transport }: RealServer,
  options?: BusOptions,
): Promise<Bus> {
  const bus = new Bus(options);
  await bus.connect(transport);
  return bus;
}

/** The object that the tests call, of whatever member of the bus. */
const clock = { path: "/clock", interface: "org.example.Clock" };

const busObject = {
  ...{ destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus" },
  interface: "org.freedesktop.DBus",
};

Deno.test({
  name: "D-Bus: calls the bus, and errors are for their calls",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    await using bus = await connected(server);
    assertMatch(bus.uniqueName, /^:1\.\d+$/);
    const calls = await Promise.allSettled([
      bus.call({ ...busObject, member: "ListNames" }),
      bus.call({ ...busObject, member: "Nonsense" }),
      bus.call({ ...busObject, member: "GetId" }),
      bus.call({
        ...{ ...busObject, member: "GetNameOwner" },
        ...{ signature: "s", body: [busObject.destination] },
      }),
    ]);
    const [names, nonsense, id, owner] = calls;
    assert(names?.status === "fulfilled" && id?.status === "fulfilled");
    assertEquals(names.value, [[busObject.destination, bus.uniqueName]]);
    assertMatch(String(id.value[0]), /^[0-9a-f]{32}$/);
    assert(nonsense?.status === "rejected");
    assertInstanceOf(nonsense.reason, DBusError);
    assertMatch(nonsense.reason.errorName, /UnknownMethod$/);
    assert(owner?.status === "fulfilled");
    assertEquals(owner.value, [busObject.destination]);
  },
});

Deno.test({
  name: "D-Bus: members of either byte order call each other with every type",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    const onCall = ({ signature = "", body }: Message) => ({ signature, body });
    await using little = await connected(server, { onCall });
    await using big = await connected(server, { onCall, order: "big" });
    const values = { signature: EVERYTHING, body: everything };
    for (const [from, to] of [[little, big], [big, little]] as const) {
      const target = { ...clock, member: "Echo", destination: to.uniqueName };
      assertEquals(await from.call({ ...target, ...values }), everything);
    }
  },
});

Deno.test({
  name: "D-Bus: dbus-send calls us by name, and gets replies and errors",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    await using bus = await connected(server, {
      async onCall({ member, body: [value] }) {
        if (member === "Whose") {
          // A handler may use the bus that it is called by.
          const [names] = await bus.call({ ...busObject, member: "ListNames" });
          return { signature: "as", body: [names ?? []] };
        }
        if (member !== "Double") {
          throw new DBusError("org.example.Error.No", `No ${member}`);
        }
        return { signature: "i", body: [2 * Number(value)] };
      },
    });
    await requestName(bus, "org.example.Clock");
    const send = async (...args: string[]) => {
      const { stdout, stderr } = await new Deno.Command("dbus-send", {
        args: [
          ...[`--bus=${server.address}`, "--print-reply=literal"],
          ...["--dest=org.example.Clock", "/clock", ...args],
        ],
      }).output();
      return new TextDecoder().decode(stdout) +
        new TextDecoder().decode(stderr);
    };
    assertMatch(await send("org.example.Clock.Double", "int32:21"), /int32 42/);
    assertMatch(await send("org.example.Clock.Whose"), /org\.example\.Clock/);
    assertEquals(
      await send("org.example.Clock.Stop"),
      "Error org.example.Error.No: No Stop\n",
    );
  },
});

/** Takes a name that others can call. */
async function requestName(bus: Bus, name: string): Promise<void> {
  const member = "RequestName";
  const values = { signature: "su", body: [name, 0] };
  assertEquals(await bus.call({ ...busObject, member, ...values }), [1]);
}

/** Tells when it has pinged three times. */
class Pinging extends Bus {
  readonly pinged = Promise.withResolvers<void>();
  #pings = 0;

  protected override async keepAlive(): Promise<void> {
    await super.keepAlive();
    if (++this.#pings === 3) this.pinged.resolve();
  }
}

Deno.test({
  name: "D-Bus: a refused login is told by its name, and is not tried again",
  ...daemon,
  fn: async () => {
    await using server = await startBus(undefined, OPEN, "DBUS_COOKIE_SHA1");
    await using connection = reconnecting(new Bus(), server.transport, atOnce);
    const signal = AbortSignal.timeout(10_000);
    const error = await rejection(connection.connected({ signal }));
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, DBusError);
    assertMatch(error.cause.errorName, /AuthFailed$/);
    assertMatch(error.cause.message, /REJECTED DBUS_COOKIE_SHA1/);
  },
});

Deno.test({
  name: "D-Bus: a member that is silent stays, also on a strict bus",
  ...daemon,
  fn: async () => {
    await using server = await startBus(undefined, SYSTEM);
    await using bus = new Pinging({ keepAliveInterval: 10 });
    await bus.connect(server.transport);
    await Promise.race([bus.pinged.promise, bus.closed]);
    assertEquals(bus.runstate, "running");
  },
});

Deno.test({
  name: "D-Bus: whatever a handler throws or returns, its caller gets a reply",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    await using caller = await connected(server);
    for (
      const [thrown, said] of [
        [new Error("a\0b"), "ab"],
        [Object.create(null), "Call has failed"],
        [undefined, "Cannot send undefined: expected type s"],
      ]
    ) {
      await using bus = await connected(server, {
        onCall() {
          if (thrown) throw thrown;
          return { signature: "s", body: [thrown] };
        },
      });
      const target = { ...clock, member: "Fail", destination: bus.uniqueName };
      const error = await rejection(caller.call(target));
      assertInstanceOf(error, DBusError);
      assertEquals(error.message, said);
    }
  },
});

Deno.test({
  name: "D-Bus: signals reach those that listen, until they leave",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    await using sender = await connected(server, { order: "big" });
    await using bus = await connected(server);
    const ticks = await bus.listen({ ...clock, member: "Tick" });
    using tocks = await bus.listen({
      sender: sender.uniqueName,
      member: "Tock",
    });
    for (const [n, member] of ["Tick", "Tock", "Tack", "Tick"].entries()) {
      await sender.emit({ ...clock, member, signature: "u", body: [n] });
    }
    const timeout = 10_000;
    assertEquals((await ticks.next(undefined, { timeout })).body, [0]);
    assertEquals((await ticks.next(undefined, { timeout })).body, [3]);
    assertEquals((await tocks.next(undefined, { timeout })).body, [1]);
    assertEquals(tocks.clear(), []);

    // The bus sends nothing more of what nobody listens to.
    ticks.close();
    await bus.call({ ...busObject, member: "GetId" });
    const { messagesReceived } = bus.stats;
    const tick = { ...clock, member: "Tick" };
    await sender.emit({ ...tick, signature: "u", body: [4] });
    await sender.call({ ...busObject, member: "GetId" });
    await bus.call({ ...busObject, member: "GetId" });
    assertEquals(bus.stats.messagesReceived, messagesReceived + 1);

    const abort = new AbortController();
    const { signal } = abort;
    const givenUp = rejection(bus.listen(clock, { signal }));
    abort.abort(new Error("enough"));
    assertEquals(await givenUp, signal.reason);
  },
});

Deno.test({
  name:
    "D-Bus: signals of a name come from its owner, and from no other member",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    await using stranger = await connected(server);
    await using bus = await connected(server);
    const name = "org.example.Clock";
    const ticks = await bus.listen({ sender: name, member: "Tick" });
    // With this, the bus sends those of every member.
    using _all = await bus.listen({ member: "Tick" });
    const tick = { ...clock, member: "Tick" };
    for (const owner of ["first", "second"]) {
      await using sender = await connected(server);
      await requestName(sender, name);
      using later = await bus.listen({ sender: name });
      const { uniqueName: destination } = bus;
      await stranger.emit({ ...tick, signature: "s", body: ["false"] });
      const direct = { ...tick, destination };
      await stranger.emit({ ...direct, signature: "s", body: ["false"] });
      await stranger.call({ ...busObject, member: "GetId" });
      await sender.emit({ ...tick, signature: "s", body: [owner] });
      for (const queue of [ticks, later]) {
        const { body } = await queue.next(undefined, { timeout: 10_000 });
        assertEquals(body, [owner]);
      }
    }
    // The bus forgets the rules, and sends nothing more.
    ticks.close();
    await bus.call({ ...busObject, member: "GetId" });
    const { messagesReceived } = bus.stats;
    await using sender = await connected(server);
    await requestName(sender, name);
    await bus.call({ ...busObject, member: "GetId" });
    assertEquals(bus.stats.messagesReceived, messagesReceived + 1);
  },
});

Deno.test({
  name: "D-Bus: a listener that does not read fails, and misses none unnoticed",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    await using bus = await connected(server);
    const ticks = await bus.listen({ ...clock, member: "Tick" });
    const values = { signature: "s", body: ["x".repeat(2 ** 20)] };
    const sent = { ...clock, member: "Tick" };
    for (let n = 0; n < 9; n++) await bus.emit({ ...sent, ...values });
    await bus.call({ ...busObject, member: "GetId" });
    await assertRejects(() => ticks.next(), EventOverflowError, "Tick");
  },
});

Deno.test({
  name: "D-Bus: a connection that is split and delayed changes nothing",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    const faults: InjectedFault[] = [];
    const transport = faulty(server.transport, {
      faults: ["split", "delay"],
      every: 30,
      onFault: (fault) => faults.push(fault),
    });
    await using echo = new Bus({
      onCall: ({ signature = "", body }) => ({ signature, body }),
    });
    await using bus = new Bus({ order: "big" });
    await echo.connect(transport);
    await bus.connect(transport);
    const target = { ...clock, member: "Echo", destination: echo.uniqueName };
    const values = { signature: EVERYTHING, body: everything };
    for (let n = 0; n < 5; n++) {
      assertEquals(await bus.call({ ...target, ...values }), everything);
    }
    assert(faults.length > 10, `${transport}: ${faults.length} faults`);
  },
});

Deno.test({
  name:
    "D-Bus: killed in the middle, calls say that they were sent, and the client comes back and listens again",
  ...daemon,
  fn: async () => {
    await inFolder(async (folder) => {
      const path = `${folder}/bus`;
      const transport = busTransport(`unix:path=${path}`);
      const { promise: never, resolve } = Promise.withResolvers<void>();
      const bus = new Bus({
        onCall: () => never.then(() => ({ signature: "", body: [] })),
      });
      const listening: EventQueue<Message>[] = [];
      const onConnect = async () => {
        listening.push(await bus.listen({ ...clock, member: "Tick" }));
      };
      await using connection = reconnecting(bus, transport, {
        ...{ onConnect, initialDelay: 20, maxDelay: 100 },
      });
      {
        await using first = await startBus(path);
        await connection.connected({ signal: AbortSignal.timeout(10_000) });
        const self = { ...clock, member: "Wait", destination: bus.uniqueName };
        const waiting = rejection(bus.call(self));
        await bus.call({ ...busObject, member: "GetId" });
        first.process.kill("SIGKILL");
        const error = await waiting;
        assertInstanceOf(error, CallInterruptedError);
        assertEquals([error.method, error.sent], ["Wait", true]);
        await assertRejects(() => bus.call(self), StateError);
      }
      await Deno.remove(path).catch(() => {});
      await using second = await startBus(path);
      await connection.connected({ signal: AbortSignal.timeout(10_000) });
      const { messagesSent } = bus.stats;
      resolve(); // the reply to a call of the first session is not for this one
      await bus.call({ ...busObject, member: "GetId" });
      assertEquals(bus.stats.messagesSent, messagesSent + 1);
      await using sender = await connected(second);
      const tick = { ...clock, member: "Tick" };
      await sender.emit({ ...tick, signature: "s", body: ["back"] });
      assertEquals((await listening[1]?.next())?.body, ["back"]);
      await assertRejects(() => Promise.resolve(listening[0]?.next()));
    });
  },
});

Deno.test({
  name: "examples/dbus/main.ts runs",
  ...daemon,
  fn: async () => {
    await using server = await startBus();
    await using bus = await connected(server);
    const rule = { sender: busObject.destination, member: "NameOwnerChanged" };
    using changes = await bus.listen(rule);
    const main = runDeno([
      ...["run", "--no-prompt", "--allow-net", "--allow-read"],
      ...["--allow-write", "examples/dbus/main.ts", server.address],
    ]);
    await changes.next(undefined, { timeout: 30_000 });
    // It is on the bus, and begins to listen.
    for (let n = 1;; n++) {
      await requestName(bus, `org.example.Clock${n}`);
      const ended = await Promise.race([main, changes.next()]);
      if ("code" in ended) {
        assertEquals([ended.code, ended.stderr], [0, ""]);
        assertMatch(
          ended.stdout,
          /^Names: \[.*\]\nListening\n\S+ has come\n$/s,
        );
        return;
      }
    }
  },
});
