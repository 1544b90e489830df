import { once } from "node:events";
import { createConnection } from "node:net";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  type Address,
  type NetAddress,
  tcp,
  type TcpOptions,
  type Transport,
} from "../../transports/mod.ts";
import { toBytes } from "@std/streams";
import { denoSystem } from "../../transports/_deno/deno_system.ts";
import type { System } from "../../transports/_system/system.ts";
import { tcpOf } from "../../transports/tcp.ts";
import { meet } from "../../testing/_laws/meet.ts";
import { testTransport } from "../../testing/mod.ts";
import { runWithFlags } from "../support/permissions.ts";
import { untyped } from "../support/untyped.ts";

function make(address?: Address): Transport<NetAddress> {
  if (!address) return tcp({ port: 0 });
  assert("port" in address);
  return tcp(address);
}

const ends = { server: make, client: make };
testTransport("tcp", ends);

Deno.test("tcp() refuses invalid options, naming option and value", () => {
  const bad: [Partial<TcpOptions>, typeof Error, string][] = [
    [{ port: 65536 }, RangeError, "port is 65536"],
    [{ port: -1 }, RangeError, "port is -1"],
    [{ port: 1.5 }, RangeError, "port is 1.5"],
    [{}, TypeError, "port is undefined"],
    [{ port: 1, hostname: "" }, TypeError, 'hostname is ""'],
    [{ port: 1, hostname: "[::1]" }, TypeError, 'hostname is "[::1]"'],
    ...untyped<TcpOptions>([
      [{ port: "80" }, TypeError, 'port is "80"'],
      [{ port: 1, hostname: 7 }, TypeError, "hostname is 7"],
      [{ port: 1, noDelay: 1 }, TypeError, "noDelay is 1"],
      [{ port: 1, keepAlive: "on" }, TypeError, 'keepAlive is "on"'],
      [{ port: 1, reusePort: 1 }, TypeError, "reusePort is 1"],
    ]),
  ];
  for (const [options, errorClass, message] of bad) {
    assertThrows(() => tcp(options as TcpOptions), errorClass, message);
  }
});

Deno.test("tcp: an attempt that is aborted as its connection arrives leaves nothing open", async () => {
  await using listener = await tcp({ port: 0 }).listen();
  const transport = make(listener.address);
  for (let i = 0; i < 20; i++) {
    const attempt = new AbortController();
    const connecting = transport.connect({ signal: attempt.signal });
    setTimeout(() => attempt.abort("too late"), 0);
    // Kept from running meanwhile, it has both to do at once when it may.
    const until = performance.now() + 2;
    while (performance.now() < until);
    assertEquals(await connecting.catch((reason) => reason), "too late");
    await (await listener.accept()).close();
  }
});

Deno.test("tcp() prints its address", () => {
  assertEquals(tcp({ port: 4444 }).toString(), "tcp://127.0.0.1:4444");
  assertEquals(tcp({ hostname: "::1", port: 1 }).toString(), "tcp://[::1]:1");
});

Deno.test("tcp: both ends have real addresses", async () => {
  const [near, far] = await meet(ends);
  await using _near = near;
  await using _far = far;
  assertEquals(far.remoteAddress, near.localAddress);
  assert("port" in near.localAddress);
  assert(near.localAddress.port > 0);
});

Deno.test("tcp: the error of a refused connect has the address and the reason", async () => {
  const error = await assertRejects(
    () => tcp({ port: 1 }).connect(),
    Deno.errors.ConnectionRefused,
    "Connect to tcp://127.0.0.1:1: Connection refused (os error 111)",
  );
  assertInstanceOf(error.cause, Deno.errors.ConnectionRefused);
});

Deno.test("tcp: after a write has failed by a reset, a read fails and does not return EOF", async () => {
  const [near, far] = await meet(ends);
  // Unread bytes cause the reset, which loses unsent bytes.
  const writer = far.writable.getWriter();
  await writer.write(new Uint8Array(5000));
  near.writable.getWriter().write(new Uint8Array(2 ** 24)).catch(() => {});
  await near.readable.getReader({ mode: "byob" }).read(new Uint8Array(1));
  near.abort();
  await assertRejects(async () => {
    for (;;) await writer.write(new Uint8Array(1));
  }, Deno.errors.ConnectionReset);
  await assertRejects(
    () => toBytes(far.readable),
    Deno.errors.ConnectionReset,
    "Read from tcp://",
  );
  await far.close();
});

/** Connects and resets the connection, as a health check may do. */
async function connectAndReset(port: number): Promise<void> {
  const socket = createConnection(port, "127.0.0.1");
  await once(socket, "connect");
  socket.resetAndDestroy();
  await once(socket, "close");
}

for (const hostname of ["127.0.0.1", "localhost"]) {
  Deno.test(`tcp: a peer that resets before it is accepted is passed over, at ${hostname}`, async () => {
    await using listener = await tcp({ hostname, port: 0 }).listen();
    const { port } = listener.address;
    for (let i = 0; i < 10; i++) await connectAndReset(port);
    await using near = await tcp({ port }).connect();
    await using far = await listener.accept();
    assertEquals(far.remoteAddress, near.localAddress);
  });
}

Deno.test("tcp: the error of a missing permission names the flag", async () => {
  const code = (port: number, act: string) => `
    import { tcp } from "./transports/mod.ts";
    const resource = await tcp({ port: ${port} }).${act}();
    await resource.close();`;
  await using listener = await make().listen();
  assert(listener.address.transport === "tcp");
  const { port } = listener.address;
  for (
    const [code_, flag] of [
      [code(port, "connect"), `--allow-net=127.0.0.1:${port}`],
      [code(0, "listen"), "--allow-net=127.0.0.1:0"],
    ] as const
  ) {
    const refused = await runWithFlags(code_, []);
    assert(refused.includes("NotCapable"), refused);
    assert(refused.includes(`run again with ${flag}\n`), refused);
    assertEquals(await runWithFlags(code_, [flag]), "");
  }
});

/** Whether the system has a timer of keep-alive probes for a connection's port. */
async function isProbed(address: Address): Promise<boolean> {
  assert("port" in address);
  const port = address.port.toString(16).toUpperCase().padStart(4, "0");
  const table = await Deno.readTextFile("/proc/net/tcp");
  const line = table.split("\n").find((line) =>
    line.trim().split(" ")[1] === `0100007F:${port}`
  );
  assert(line, `No connection at port ${address.port}`);
  return /^02:/.test(line.trim().split(/ +/)[5] ?? "");
}

Deno.test({
  name: "tcp: with keepAlive the system probes a silent peer, at either end",
  ignore: Deno.build.os !== "linux",
  async fn() {
    for (const keepAlive of [undefined, true]) {
      const make = () => tcp({ port: 0, keepAlive });
      await using listener = await make().listen();
      const { port } = listener.address;
      await using near = await tcp({ port, keepAlive }).connect();
      await using far = await listener.accept();
      assertEquals(await isProbed(near.localAddress), keepAlive === true);
      assert("port" in far.remoteAddress);
    }
  },
});

Deno.test("tcp: a listener at localhost is reached by name and by both addresses", async () => {
  const listener = await tcp({ hostname: "LocalHost", port: 0 }).listen();
  const { port } = listener.address;
  for (const hostname of ["localhost", "127.0.0.1", "::1", "127.0.0.1"]) {
    await using near = await tcp({ hostname, port }).connect();
    await using far = await listener.accept();
    assertEquals(far.remoteAddress, near.localAddress);
    await near.write(new Uint8Array(3));
    assertEquals(await far.read(new Uint8Array(8)), 3);
  }
  // Pending accepts and unaccepted connections end with it.
  const waits = [listener.accept(), listener.accept(), listener.accept()];
  const dials = ["127.0.0.1", "::1"].map((hostname) =>
    tcp({ hostname, port }).connect()
  );
  for (const end of await Promise.all([...dials, waits[0], waits[1]])) {
    end?.abort();
  }
  await listener.close();
  await assertRejects(() => waits[2] ?? Promise.resolve());
  for (const hostname of ["127.0.0.1", "::1"]) {
    await using again = await tcp({ hostname, port }).listen();
    assertEquals(again.address, { transport: "tcp", hostname, port });
  }
});

for (
  const [code, Kind] of [
    ["EADDRNOTAVAIL", Deno.errors.AddrNotAvailable],
    ["EAFNOSUPPORT", Error],
  ] as const
) {
  Deno.test(`tcp: a listener at localhost is at its first address alone if the other one is ${code}`, async () => {
    const system: System = {
      ...denoSystem,
      listenTcp: (at) =>
        at.hostname === "::1"
          ? Promise.reject(Object.assign(new Kind("no IPv6"), { code }))
          : denoSystem.listenTcp(at),
    };
    const transport = tcpOf(system, { hostname: "localhost", port: 0 });
    await using listener = await transport.listen();
    await using near = await tcp(listener.address).connect();
    await using far = await listener.accept();
    assertEquals(far.remoteAddress, near.localAddress);
  });
}

Deno.test("tcp: if an address of localhost is in use, the error names it", async () => {
  await using taken = await tcp({ hostname: "::1", port: 0 }).listen();
  const { port } = taken.address;
  await assertRejects(
    () => tcp({ hostname: "localhost", port }).listen(),
    Deno.errors.AddrInUse,
    `Listen at tcp://localhost:${port}: tcp://[::1]:${port} is in use`,
  );
  // The other address is free again.
  const free = await tcp({ port }).listen();
  await free.close();
});

Deno.test("tcp: listeners share a port with reusePort, which needs its flag", async () => {
  const code = `
    import { tcp } from "./transports/mod.ts";
    const first = await tcp({ port: 0, reusePort: true }).listen();
    const { port } = first.address;
    const second = await tcp({ port, reusePort: true }).listen();
    const near = await tcp({ port }).connect();
    const far = await Promise.race([first.accept(), second.accept()]);
    await Promise.all([near.close(), far.close()]);
    await Promise.all([first.close(), second.close()]);`;
  const refused = await runWithFlags(code, ["--allow-net"]);
  assert(refused.includes("Listen at tcp://127.0.0.1:0: "), refused);
  assert(refused.includes("--unstable-net"), refused);
  assertEquals(
    await runWithFlags(code, ["--allow-net", "--unstable-net"]),
    "",
  );
});
