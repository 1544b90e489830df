// The promises of transports over Node's modules that are not in the laws.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import {
  stdio,
  tcp,
  tls,
  unix,
  webSocket,
} from "@parley/parley/transports/node";
import { lines, Peer } from "@parley/parley/protocol";
import { acceptTls, formatAddress, startTls } from "@parley/parley/transports";

const { ca, server } = JSON.parse(process.env.PARLEY_LAWS).certificates;

async function inFolder(run) {
  const folder = await mkdtemp(join(tmpdir(), "parley-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("promise: an error has the name that Deno gives it, and its cause Node's code", async () => {
  await assert.rejects(tcp({ port: 1 }).connect(), {
    name: "ConnectionRefused",
    message: "Connect to tcp://127.0.0.1:1: connection refused (ECONNREFUSED)",
  });
  await assert.rejects(unix({ path: "/nowhere/s" }).connect(), {
    name: "NotFound",
    message: "Connect to unix:/nowhere/s: no such file or directory (ENOENT)",
  });
  const path = `${process.execPath}/s`;
  await assert.rejects(unix({ path }).listen(), {
    name: "NotADirectory",
    message:
      `Listen at unix:${path}: folder ${process.execPath}: not a directory (ENOTDIR)`,
  });
  const error = await stdio({ command: "parley-nothing" }).connect()
    .catch((error) => error);
  assert.equal(error.name, "NotFound");
  assert.equal(error.cause.code, "ENOENT");
});

test("promise: an attempt that is aborted as its connection arrives rejects, or the connection is whole", async () => {
  const listener = await tcp({ port: 0 }).listen();
  for (let i = 0; i < 20; i++) {
    const attempt = new AbortController();
    const connecting = tcp(listener.address)
      .connect({ signal: attempt.signal });
    setTimeout(() => attempt.abort("too late"), 0);
    // While this loop blocks, the connection arrives and the timer is due.
    const until = performance.now() + 2;
    while (performance.now() < until);
    const outcome = await connecting.catch((reason) => reason);
    if (outcome === "too late") continue;
    await outcome.write(new Uint8Array(1));
    outcome.abort();
  }
  await listener.close();
});

test("promise: a Unix socket is private from the start, and its file goes with its listener", () =>
  inFolder(async (folder) => {
    const path = `${folder}/s`;
    const listener = await unix({ path }).listen();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ["s"]);
    await assert.rejects(unix({ path }).listen(), { name: "AddrInUse" });
    await listener.close();
    assert.deepEqual(await readdir(folder), []);
  }));

test("promise: a listener replaces a stale socket, and no other file", () =>
  inFolder(async (folder) => {
    const path = `${folder}/s`;
    // Its process ends without a chance to remove the file.
    const code = "require('net').createServer()" +
      ".listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
    const killed = await stdio({ command: "node", args: ["-e", code, path] })
      .connect();
    await assert.rejects(killed.read(new Uint8Array(1)), /SIGKILL/);
    await killed.close();
    assert.deepEqual(await readdir(folder), ["s"]);
    const listener = await unix({ path }).listen();
    const client = await unix({ path }).connect();
    client.abort();
    await listener.close();

    await writeFile(path, "");
    await assert.rejects(unix({ path }).listen(), /not a socket/);
    assert.deepEqual(await readdir(folder), ["s"]);
  }));

test("promise: the failure of a child process has its code and its last lines", async () => {
  const args = ["-c", "echo no disk >&2; exit 3"];
  const connection = await stdio({ command: "sh", args }).connect();
  await assert.rejects(connection.read(new Uint8Array(1)), {
    name: "UnexpectedEof",
    message: /has exited with code 3: no disk$/,
  });
  await connection.close();
});

test("promise: of the connections that wait to be accepted, 512 are kept, and none that its peer has reset", async () => {
  const listener = await tcp({ port: 0 }).listen();
  const { hostname: host, port } = listener.address;
  const reset = connect({ host, port });
  await once(reset, "connect");
  reset.resetAndDestroy();
  const kept = [];
  for (let i = 0; i < 512; i++) {
    const socket = connect({ host, port });
    await once(socket, "connect");
    kept.push(socket);
  }
  const late = connect({ host, port });
  late.on("error", () => {}); // a reset is as good an end as any
  await once(late, "close");
  const first = await listener.accept();
  assert.equal(first.remoteAddress.port, kept[0].localPort);
  first.abort();
  for (const socket of kept) socket.destroy();
  await listener.close();
});

test("promise: a listener takes the client's IPv6 address from a PROXY header", async () => {
  const listener = await tcp({ port: 0, proxyProtocol: true }).listen();
  const balancer = await tcp(listener.address).connect();
  const signature = "\r\n\r\n\0\r\nQUIT\n";
  const ip = [0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), 0x0a];
  const header = [0x21, 0x21, 0, 36, ...ip, ...ip, 0, 1, 0, 2];
  await balancer.write(
    Uint8Array.of(...new TextEncoder().encode(signature), ...header),
  );
  const server = await listener.accept({ signal: AbortSignal.timeout(5_000) });
  assert.equal(formatAddress(server.remoteAddress), "tcp://[2001:db8::a]:1");
  assert.equal(formatAddress(server.localAddress), "tcp://[2001:db8::a]:2");
  balancer.abort();
  server.abort();
  await listener.close();
});

test("promise: a WebSocket carries lines", async () => {
  const listener = await webSocket({ url: "ws://127.0.0.1:0/" }).listen();
  const client = new Peer({ codec: lines });
  const server = new Peer({ codec: lines });
  const url = formatAddress(listener.address);
  await Promise.all([
    server.accept(listener),
    client.connect(webSocket({ url })),
  ]);
  await client.send("hello");
  assert.equal(await server.receive(), "hello");
  await Promise.all([client.disconnect(), server.disconnect()]);
  await listener.close();
});

test("promise: reusePort is refused where Node would ignore it", async () => {
  const [major] = process.versions.node.split(".").map(Number);
  const listening = tcp({ port: 0, reusePort: true }).listen();
  if (major < 23) await assert.rejects(listening, { name: "NotSupported" });
  else await (await listening).close();
});

test("promise: TLS refuses what it cannot verify, and names the reason", async () => {
  for (
    const [connect, listen, reason] of [
      [{}, {}, /the server's certificate is not trusted/],
      [{ caCerts: [ca], serverName: "b.example" }, {}, /not for b\.example$/],
      [
        { caCerts: [ca], ...server },
        { clientCaCerts: [ca] },
        /the client's certificate/,
      ],
      [{ caCerts: [ca] }, { clientCaCerts: [ca] }, /shown no certificate/],
    ]
  ) {
    let refused = () => {};
    const refusal = new Promise((resolve) => refused = resolve);
    const options = { ...server, ...listen, onHandshakeError: refused };
    const listener = await tls({ port: 0, ...options }).listen();
    const { hostname, port } = listener.address;
    const connecting = tls({ hostname, port, ...connect }).connect();
    // In TLS 1.3 a client learns of it after its handshake.
    const ours = await connecting.then(async (connection) => {
      const read = connection.read(new Uint8Array(1));
      const result = await read.catch((error) => error);
      connection.abort();
      return result;
    }, (error) => error);
    assert.ok(ours instanceof Error, `${reason}: ${ours}`);
    assert.match(`${ours}\n${await refusal}`, new RegExp(reason, "m"));
    await listener.close();
  }
});

test("promise: a TLS connection that is cut has not ended", async () => {
  const listener = await tls({ port: 0, ...server }).listen();
  const [near, far] = await Promise.all([
    tls({ ...listener.address, caCerts: [ca] }).connect(),
    listener.accept(),
  ]);
  far.abort();
  await assert.rejects(near.read(new Uint8Array(1)), {
    name: /UnexpectedEof|ConnectionReset/,
  });
  near.abort();
  await listener.close();
});

test("promise: bytes that are not TLS are the error of a TLS connection, and not its end", async () => {
  const listener = await tcp({ port: 0 }).listen();
  const plain = await tcp(listener.address).connect();
  const [near, far] = await Promise.all([
    startTls(plain, { serverName: "localhost", caCerts: [ca] }),
    listener.accept().then((connection) => acceptTls(connection, server)),
  ]);
  await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  await assert.rejects(far.read(new Uint8Array(1)), { name: "InvalidData" });
  near.abort();
  far.abort();
  await listener.close();
});

test("promise: a TLS client that writes and closes at once ends in order", async () => {
  const listener = await tls({ port: 0, ...server }).listen();
  const near = await tls({ ...listener.address, caCerts: [ca] }).connect();
  await near.write(new Uint8Array(3));
  await near.close();
  const far = await listener.accept();
  assert.equal(await far.read(new Uint8Array(9)), 3);
  assert.equal(await far.read(new Uint8Array(9)), null);
  await far.close();
  await listener.close();
});
