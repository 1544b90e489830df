import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Display } from "../../examples/x11/display.ts";
import { EVENTS, Window } from "../../examples/x11/drawing.ts";
import { XError } from "../../examples/x11/errors.ts";
import { u16, u16At, u32, u32At } from "../../examples/x11/layout.ts";
import {
  CallInterruptedError,
  ConnectError,
  ProtocolError,
  reconnecting,
  StateError,
  unix,
} from "../../mod.ts";
import { faulty, type InjectedFault, scriptedPeer } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { atOnce } from "../support/protocol/reconnected.ts";
import { runDeno } from "../support/program.ts";
import { logged, textOf } from "../support/protocol/logged.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";

const xvfb = needs("Xvfb");

/** Starts a server at a free display, which lets in 63 clients with the cookie. */
async function startXvfb(cookie?: Uint8Array): Promise<RealServer> {
  let number = "";
  const server = await startServer({
    program: "Xvfb",
    args: async (folder) => {
      const args = ["-displayfd", "2", "-screen", "0", "320x200x24"];
      args.push("-nolisten", "tcp", "-noreset", "-maxclients", "64");
      if (!cookie) return args;
      await Deno.writeFile(`${folder}/auth`, authority(cookie));
      return [...args, "-auth", `${folder}/auth`];
    },
    ready: /^(\d+)$/,
  }, async (process) => {
    [, number = ""] = await process.ready();
    return unix({ path: `/tmp/.X11-unix/X${number}` });
  });
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      // A server that is killed leaves its files behind.
      await Deno.remove(`/tmp/.X11-unix/X${number}`).catch(() => {});
      await Deno.remove(`/tmp/.X${number}-lock`).catch(() => {});
    },
  };
}

/** A file as `xauth` writes it: a cookie for any address and any display. */
function authority(cookie: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode("MIT-MAGIC-COOKIE-1");
  const counted = (bytes: Uint8Array) => [0, bytes.length, ...bytes];
  return Uint8Array.of(
    ...[0xff, 0xff, 0, 0, 0, 0],
    ...counted(name),
    ...counted(cookie),
  );
}

/** A client of the server. */
async function connected(server: RealServer): Promise<Display> {
  const display = new Display();
  await display.connect(server.transport);
  return display;
}

/** The number that the server has for a name. */
async function atom(display: Display, name: string): Promise<number> {
  const bytes = new TextEncoder().encode(name);
  const reply = await display.ask(16, 0, u16(bytes.length, 0), bytes);
  return u32At(reply, 8);
}

Deno.test({
  name: "X11: draws, and reads the pixels back",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    await using display = await connected(server);
    const { root, vendor, width, height } = display.setup;
    assertEquals([width, height], [320, 200]);
    assertMatch(vendor, /X\.Org/);

    const place = { x: 20, y: 10, width: 4, height: 3 };
    const window = await Window.open(display, place);
    await window.fill(0xff8000, { x: 1, y: 1, width: 2, height: 1 });
    await window.fill(0x0000ff, { x: 0, y: 0, width: 1, height: 1 });
    await window.fill(0x0000ff, { x: 3, y: 2, width: 1, height: 1 });
    const [blue, orange, white] = [0x0000ff, 0xff8000, 0xffffff];
    assertEquals(await window.pixels({ ...place, x: 0, y: 0 }), [
      ...[blue, white, white, white],
      ...[white, orange, orange, white],
      ...[white, white, white, blue],
    ]);

    // Another client sees the same on the screen.
    await using other = await connected(server);
    const image = await other.ask(
      ...[73, 2, u32(root), u16(21, 11, 1, 1), u32(0xffffffff)] as const,
    );
    assertEquals(u32At(image, 32) & 0xffffff, orange);
    await window.close();
  },
});

Deno.test({
  name: "X11: events come to the window that asked for them",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    await using display = await connected(server);
    using events = display.events.listen();
    const { mapped: shown, expose, motion } = EVENTS;
    const mask = shown.mask | expose.mask | motion.mask;
    const place = { x: 0, y: 0, width: 50, height: 50 };
    const window = await Window.open(display, place, mask);
    const mapped = await events.next(shown.code, { timeout: 10_000 });
    assertEquals(u32At(mapped, 8), window.id);
    const exposed = await events.next(expose.code, { timeout: 10_000 });
    assertEquals(u32At(exposed, 4), window.id);

    const warp = 41;
    const nothing = u16(0, 0, 0, 0);
    for (const [x, y] of [[10, 10], [12, 34]] as const) {
      await display.do(warp, 0, u32(0, window.id), nothing, u16(x, y));
    }
    const moved = await events.next(motion.code, {
      filter: (event) => u16At(event, 24) === 12,
      timeout: 10_000,
    });
    assertEquals(u16At(moved, 26), 34);
    await window.close();
  },
});

Deno.test({
  name: "X11: an error is for its request alone, also without a reply",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    await using display = await connected(server);
    const map = 8;
    const { root } = display.setup;
    const outcomes = await Promise.allSettled([
      display.do(map, 0, u32(root)),
      display.do(map, 0, u32(12345)),
      atom(display, "WM_NAME"),
      display.ask(73, 9, u32(root), u16(0, 0, 1, 1), u32(1)),
      atom(display, "STRING"),
    ]);
    assertEquals(outcomes.map(({ status }) => status), [
      ...["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"],
    ]);
    const [, window, name, image, string] = outcomes;
    assert(window?.status === "rejected" && image?.status === "rejected");
    assertInstanceOf(window.reason, XError);
    assertEquals(window.reason.message, "BadWindow: request 8, value 0x3039");
    assertMatch(image.reason.message, /^BadValue: request 73/);
    assert(name?.status === "fulfilled" && string?.status === "fulfilled");
    assertEquals([name.value, string.value], [39, 31]); // predefined atoms
  },
});

Deno.test({
  name: "X11: 100,000 requests at once are counted beyond 16 bits",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    await using display = new Display({ maxQueuedBytes: 16 * 2 ** 20 });
    await display.connect(server.transport);
    const noOperation = 127;
    const map = 8;
    const before = Array.from({ length: 70_000 }, () => {
      return display.do(noOperation);
    });
    const wrong = rejection(display.do(map, 0, u32(12345)));
    const after = Array.from({ length: 30_000 }, () => {
      return display.do(noOperation);
    });
    await Promise.all([...before, ...after]);
    assertInstanceOf(await wrong, XError);
    assertEquals(await atom(display, "WM_NAME"), 39);
  },
});

Deno.test({
  name:
    "X11: a server refuses a client without its cookie, which is not logged",
  ...xvfb,
  fn: async () => {
    const cookie = crypto.getRandomValues(new Uint8Array(16));
    await using server = await startXvfb(cookie);
    await using display = new Display({ cookie });
    const records = await logged(
      "debug",
      () => display.connect(server.transport),
    );
    const log = records.map(textOf).join("\n");
    assertMatch(log, /^→ /m);
    assert(!log.includes(cookie.join()), log);
    assertEquals(await atom(display, "WM_NAME"), 39);

    const stranger = new Display({ cookie: cookie.toReversed() });
    const error = await rejection(stranger.connect(server.transport));
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, XError);
    assertMatch(
      error.cause.message,
      /^Server refuses: Invalid MIT-MAGIC-COOKIE-1 key$/,
    );
    assertEquals(stranger.runstate, "idle");
  },
});

Deno.test({
  name: "X11: a refused cookie is not tried again, and a full server is",
  ...xvfb,
  fn: async () => {
    const cookie = crypto.getRandomValues(new Uint8Array(16));
    await using server = await startXvfb(cookie);
    const stranger = new Display({ cookie: cookie.toReversed() });
    await using refused = reconnecting(stranger, server.transport, atOnce);
    const signal = AbortSignal.timeout(10_000);
    const error = await rejection(refused.connected({ signal }));
    assertInstanceOf(error, ConnectError);

    await using clients = new AsyncDisposableStack();
    for (let n = 0; n < 62; n++) {
      await clients.use(new Display({ cookie })).connect(server.transport);
    }
    const last = new Display({ cookie });
    await last.connect(server.transport);
    const late = new Display({ cookie });
    await using waiting = reconnecting(late, server.transport, atOnce);
    for await (const state of late.runstates({ signal })) {
      if (state === "idle") break;
    }
    await last.disconnect();
    await waiting.connected({ signal });
  },
});

Deno.test({
  name: "X11: a connection that is split and delayed changes nothing",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    const faults: InjectedFault[] = [];
    const transport = faulty(server.transport, {
      faults: ["split", "delay"],
      every: 50,
      onFault: (fault) => faults.push(fault),
    });
    await using display = new Display();
    await display.connect(transport);
    const place = { x: 0, y: 0, width: 30, height: 30 };
    const window = await Window.open(display, place);
    await window.fill(0x123456, place);
    assertEquals(await window.pixels(place), Array(900).fill(0x123456));
    assert(faults.length > 10, `${transport}: ${faults.length} faults`);
  },
});

Deno.test({
  name:
    "X11: killed in the middle, requests say that they were sent, and the client can connect again",
  ...xvfb,
  fn: async () => {
    const display = new Display();
    using events = display.events.listen();
    {
      await using server = await startXvfb();
      await display.connect(server.transport);
      await atom(display, "WM_NAME");
      server.process.kill("SIGSTOP");
      const asked = rejection(atom(display, "WM_NAME"));
      const done = rejection(display.do(127));
      server.process.kill("SIGKILL");
      for (const [error, method] of [[await asked, 16], [await done, 127]]) {
        assertInstanceOf(error, CallInterruptedError);
        assertEquals([error.method, error.sent], [`request ${method}`, true]);
      }
    }
    await rejection(display.disconnect());
    await assertRejects(() => events.next());
    assertThrows(() => display.setup, StateError);
    await assertRejects(() => display.do(127), StateError);
    {
      await using server = await startXvfb();
      await display.connect(server.transport);
      assertEquals(await atom(display, "WM_NAME"), 39);
      await display.disconnect();
    }
  },
});

Deno.test("X11: a reply is not taken for one that the server has left out", async () => {
  const setup = new Uint8Array(80);
  setup.set([1, 0, 11, 0, 0, 0, 18]); // 18 units of 4 bytes follow
  const reply = new Uint8Array(32);
  reply.set([1, 0, 2]); // to the second request
  const peer = scriptedPeer([
    { expect: Uint8Array.of(0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0) },
    { send: setup },
    { expect: Uint8Array.of(43, 0, 1, 0, 43, 0, 1, 0) },
    { send: reply },
    "expect end",
  ]);
  const display = new Display();
  await display.connect(peer.connection);
  const first = rejection(display.ask(43));
  const second = rejection(display.ask(43));
  for (const error of [await first, await second]) {
    assertInstanceOf(error, CallInterruptedError);
    assertInstanceOf(error.cause, ProtocolError);
    assertMatch(error.cause.message, /request 2, without a reply to 1/);
  }
  await rejection(display.disconnect());
  await peer.done.catch(() => {}); // The client has cut the connection.
});

Deno.test({
  name: "X11: a request may have all the bytes that its length can tell",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    await using display = await connected(server);
    await display.do(127, 0, new Uint8Array(262_136));
    await assertRejects(
      () => display.do(127, 0, new Uint8Array(262_137)),
      RangeError,
      "it has 262144 bytes, X11 allows 262140",
    );
    assertEquals(await atom(display, "WM_NAME"), 39);
  },
});

Deno.test({
  name: "X11: requests that are refused here are not counted as sent",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    const options = { timeout: NaN };
    await using display = new Display(options);
    await display.connect(server.transport);
    await assertRejects(() => display.do(127), RangeError, "timeout");
    await assertRejects(() => atom(display, "WM_NAME"), RangeError, "timeout");
    options.timeout = 10_000;
    assertEquals(await atom(display, "WM_NAME"), 39);
  },
});

Deno.test({
  name: "examples/x11/main.ts runs",
  ...xvfb,
  fn: async () => {
    await using server = await startXvfb();
    const { code, stdout, stderr } = await runDeno([
      ...["run", "--no-prompt", "--allow-net", "--allow-read"],
      ...["--allow-write", "examples/x11/main.ts", `${server.transport}`],
    ]);
    assertEquals([code, stderr], [0, ""]);
    const [first, ...lines] = stdout.trimEnd().split("\n");
    assertMatch(`${first}`, /: 320 x 200$/);
    const [blank, line] = [".".repeat(16), `..${"#".repeat(12)}..`];
    assertEquals(lines, [blank, line, line, line, line, blank]);
  },
});
