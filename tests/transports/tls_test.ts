import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { toBytes } from "@std/streams";
import { untyped } from "../support/untyped.ts";
import {
  type Address,
  type Connection,
  type Listener,
  memoryPair,
  type NetAddress,
  tcp,
  tls,
  type TlsOptions,
} from "../../transports/mod.ts";
import { HandshakeQueue } from "../../transports/_handshake/queue.ts";
import { certificates, newAuthority } from "../support/certificates.ts";
import { noise, readExactly } from "../../testing/_util/bytes.ts";
import { meet } from "../../testing/_laws/meet.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { testTransport } from "../../testing/mod.ts";
import { runWithFlags } from "../support/permissions.ts";

const { ca, server, client, issue } = await certificates();
const stranger = await newAuthority("stranger");

const trusting = { caCerts: [ca] };
const mutual = { ...server, clientCaCerts: [ca] };

/** A transport that listens with some options, and one that connects with others. */
function ends(connect: Partial<TlsOptions>, listen: Partial<TlsOptions>) {
  const make = (options: Partial<TlsOptions>) => (address?: Address) =>
    tls({ port: 0, ...address && place(address), ...options });
  return { server: make(listen), client: make(connect) };
}

function place(address: Address): { hostname: string; port: number } {
  assert("hostname" in address);
  return { hostname: address.hostname, port: address.port };
}

const kinds = {
  "tls": ends(trusting, server),
  "mutual tls": ends({ ...trusting, ...client }, mutual),
};
for (const [name, kind] of Object.entries(kinds)) {
  testTransport(name, kind);

  for (const cutEnd of ["client", "server"] as const) {
    Deno.test(`${name}: the ${cutEnd} sees a cut as an error, not as an end`, async () => {
      await using listener = await kind.server().listen();
      await using relay = await tcp({ port: 0 }).listen();
      const connecting = kind.client(relay.address)
        .connect();
      await using near = await relay.accept();
      await using far = await tcp(place(listener.address)).connect();
      near.readable.pipeTo(far.writable, { preventClose: true }).catch(
        () => {},
      );
      far.readable.pipeTo(near.writable, { preventClose: true }).catch(
        () => {},
      );
      await using ends = new AsyncDisposableStack();
      const client = ends.use(await connecting);
      const server = ends.use(await listener.accept());
      const [end, side] = cutEnd === "client" ? [client, near] : [server, far];
      const read = rejection(end.readable.getReader().read());
      await side.close();
      const error = await read;
      assertInstanceOf(error, Deno.errors.UnexpectedEof);
      assertStringIncludes(
        error.message,
        `Read from tls://127.0.0.1:${place(end.remoteAddress).port}: `,
      );
      assertInstanceOf(error.cause, Deno.errors.UnexpectedEof);
      client.abort();
      server.abort();
    });
  }

  Deno.test(`${name}: bytes that arrived before a cut are read, also after a write has failed`, async () => {
    for (const swap of [false, true]) {
      const pair = await meet(kind);
      await using near = swap ? pair[1] : pair[0];
      await using far = swap ? pair[0] : pair[1];
      const sent = noise(1000);
      await far.writable.getWriter().write(sent);
      far.abort();
      const writer = near.writable.getWriter();
      await assertRejects(async () => {
        for (;;) await writer.write(noise(1000));
      });
      const reader = near.readable.getReader({ mode: "byob" });
      assertEquals(await readExactly(reader, 1000), sent);
      await assertRejects(() => reader.read(new Uint8Array(1)));
    }
  });

  Deno.test(`${name}: a client's bytes arrive, even if it closes at once`, async () => {
    await using listener = await kind.server().listen();
    const sent = noise(300_000);
    // Often enough for what the server says of itself to come after the close.
    for (let i = 0; i < 100; i++) {
      const [near, far] = await Promise.all([
        kind.client(listener.address).connect(),
        listener.accept(),
      ]);
      const written = near.writable.getWriter().write(sent);
      const closed = near.close();
      assertEquals((await toBytes(far.readable)).length, sent.length);
      await Promise.all([written, closed, far.close()]);
    }
  });

  Deno.test(`${name}: bytes written before close() arrive, even if the process is suspended`, async () => {
    const [near, far] = await meet(kind);
    const writing = near.writable.getWriter().write(new Uint8Array(2 ** 21));
    const answering = (async () => {
      const writer = far.writable.getWriter();
      for (let i = 0; i < 60; i++) await writer.write(new Uint8Array(5000));
      await writer.close();
    })();
    const received = toBytes(far.readable);
    const closed = near.close();
    await new Promise((resolve) => setTimeout(resolve));
    // Longer than a closing connection waits for a peer that sends.
    const until = performance.now() + 600;
    while (performance.now() < until);
    assertEquals((await received).length, 2 ** 21);
    await Promise.all([writing, answering, closed, far.close()]);
  });

  for (const ender of ["client", "server"]) {
    Deno.test(`${name}: 8 MiB around the end of the ${ender} end in order`, async () => {
      const [near, far] = await meet(kind);
      await using _near = near;
      await using _far = far;
      const [quiet, talker] = ender === "client" ? [near, far] : [far, near];
      const received = toBytes(quiet.readable);
      const writer = talker.writable.getWriter();
      const sendHalf = async () => {
        for (let i = 0; i < 64; i++) await writer.write(new Uint8Array(65536));
      };
      await sendHalf();
      await quiet.writable.close();
      assertEquals((await toBytes(talker.readable)).length, 0);
      await sendHalf();
      // The connection is released then, with its last bytes on the way.
      await writer.close();
      assertEquals((await received).length, 8 * 1024 * 1024);
    });
  }

  Deno.test(`${name}: a silent peer does not delay others`, async () => {
    await using listener = await kind.server().listen();
    const silent: Connection[] = [];
    for (let i = 0; i < 20; i++) {
      silent.push(await tcp(place(listener.address)).connect());
    }
    for (let i = 0; i < 3; i++) {
      await using _near = await kind.client(listener.address).connect();
      await using _far = await listener.accept();
    }
    for (const connection of silent) connection.abort();
  });
}

/** Listens, and returns the error that a listener reports. */
async function refusing(
  options: Partial<TlsOptions>,
): Promise<[Listener, Promise<unknown>]> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const transport = tls({ port: 0, ...options, onHandshakeError: resolve });
  return [await transport.listen(), promise];
}

const listeners = { "tls": server, "mutual tls": mutual };
for (const [name, options] of Object.entries(listeners)) {
  Deno.test(`${name}: a peer that does not finish its handshake is disconnected`, async () => {
    const [listener, refused] = await refusing({
      ...options,
      handshakeTimeout: 20,
    });
    await using _ = listener;
    await using silent = await tcp(place(listener.address)).connect();
    assert((await silent.readable.getReader().read()).done);
    const error = await refused;
    assertInstanceOf(error, Deno.errors.TimedOut);
    assertEquals(
      error.message,
      `Handshake with tls://127.0.0.1:${
        place(silent.localAddress).port
      }: the handshake was not done within 20 ms`,
    );
  });

  Deno.test(`${name}: bytes that are not TLS are refused, and accept() goes on`, async () => {
    const [listener, refused] = await refusing(options);
    await using _ = listener;
    const accepted = listener.accept();
    await using plain = await tcp(place(listener.address)).connect();
    await plain.writable.getWriter().write(
      new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"),
    );
    const error = await refused;
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertStringIncludes(error.message, "Handshake with tls://127.0.0.1:");
    await using _near = await tls({
      ...place(listener.address),
      ...trusting,
      ...client,
    }).connect();
    await using _far = await accepted;
  });

  Deno.test(`${name}: a peer that leaves in its handshake is reported`, async () => {
    const [listener, refused] = await refusing(options);
    await using _ = listener;
    (await tcp(place(listener.address)).connect()).abort();
    const error = await refused;
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, "Handshake with tls://127.0.0.1:");
  });

  Deno.test(`${name}: with too many handshakes the oldest is ended`, async () => {
    const [listener, refused] = await refusing(options);
    await using _ = listener;
    const silent: Connection[] = [];
    for (let i = 0; i < 257; i++) {
      silent.push(await tcp(place(listener.address)).connect());
    }
    const error = await refused;
    assertInstanceOf(error, Deno.errors.Busy);
    assert(silent[0]);
    assertStringIncludes(
      error.message,
      `tls://127.0.0.1:${place(silent[0].localAddress).port}: `,
    );
    for (const connection of silent) connection.abort();
  });
}

for (const [name, own] of [["tls", {}], ["mutual tls", client]] as const) {
  const bad: [string, Partial<TlsOptions>, Partial<TlsOptions>][] = [
    ["another name", { serverName: "example.com" }, server],
    ["an unknown authority", { caCerts: undefined }, server],
    ["another authority", { caCerts: [stranger.ca] }, server],
    ["an authority of the same name", {}, (await newAuthority("ca")).server],
  ];
  for (const [what, connect, listen] of bad) {
    Deno.test(`${name}: a server's certificate for ${what} is refused`, async () => {
      await using listener = await tls({ port: 0, ...listen }).listen();
      const { port } = place(listener.address);
      const error = await assertRejects(
        () => tls({ port, ...trusting, ...own, ...connect }).connect(),
        Deno.errors.InvalidData,
        `Connect to tls://127.0.0.1:${port}: `,
      );
      assertInstanceOf(error.cause, Error);
    });
  }

  Deno.test(`${name}: a server without TLS is refused`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const { port } = place(listener.address);
    const connect = rejection(tls({ port, ...trusting, ...own }).connect());
    await using plain = await listener.accept();
    await plain.writable.getWriter().write(new TextEncoder().encode("220 hi"));
    const error = await connect;
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertStringIncludes(error.message, `Connect to tls://127.0.0.1:${port}: `);
  });

  Deno.test(`${name}: connecting to a silent server times out`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const { port } = place(listener.address);
    const connect = rejection(
      tls({ port, ...trusting, ...own, handshakeTimeout: 20 }).connect(),
    );
    await using _ = await listener.accept();
    const error = await connect;
    assertInstanceOf(error, Deno.errors.TimedOut);
    assertEquals(
      error.message,
      `Connect to tls://127.0.0.1:${port}: the handshake was not done within 20 ms`,
    );
  });

  Deno.test(`${name}: a connect can be aborted in its handshake`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const { port } = place(listener.address);
    const controller = new AbortController();
    const { signal } = controller;
    const connect = rejection(
      tls({ port, ...trusting, ...own }).connect({ signal }),
    );
    await using far = await listener.accept();
    await far.readable.getReader().read(); // its first message
    const reason = { not: "an error" };
    controller.abort(reason);
    assertStrictEquals(await connect, reason);
  });

  Deno.test(`${name}: serverName is the name that is checked`, async () => {
    await using listener = await tls({ port: 0, ...server }).listen();
    const { port } = place(listener.address);
    for (const serverName of ["localhost", "127.0.0.1"]) {
      await using _near = await tls({
        ...{ port, serverName },
        ...trusting,
        ...own,
      }).connect();
      await using _far = await listener.accept();
    }
    await using _near = await tls({
      ...{ port, hostname: "localhost" },
      ...trusting,
      ...own,
    }).connect();
    await using _far = await listener.accept();
  });
}

Deno.test("mutual tls: a client whose certificate is not trusted is refused", async () => {
  const expired = await issue("client", new Date(Date.now() - 60_000));
  const bad: [string, Partial<TlsOptions>][] = [
    ["the client has shown no certificate", {}],
    ["the client's certificate is not trusted: ", stranger.client],
    ["the client's certificate is not trusted: ", server],
    ["the client's certificate is not trusted: ", expired],
  ];
  for (const [why, own] of bad) {
    const [listener, refused] = await refusing(mutual);
    await using _ = listener;
    const { port } = place(listener.address);
    // In TLS 1.3 the client's handshake ends before the server has seen its certificate.
    const error = await rejection((async () => {
      await using connection = await tls({ port, ...trusting, ...own })
        .connect();
      await connection.readable.getReader().read();
    })());
    assertInstanceOf(error, Error, why);
    assertStringIncludes(error.message, `tls://127.0.0.1:${port}: `);
    const refusal = await refused;
    assertInstanceOf(refusal, Deno.errors.InvalidData);
    assertStringIncludes(refusal.message, why);
  }
});

Deno.test("tls: a client may have a certificate even if none is requested", async () => {
  await using listener = await tls({ port: 0, ...server }).listen();
  const at = place(listener.address);
  await using _near = await tls({ ...at, ...trusting, ...client }).connect();
  await using _far = await listener.accept();
});

Deno.test("tls: protocols must have one in common", async () => {
  for (const options of [server, mutual]) {
    await using listener = await tls({
      port: 0,
      ...options,
      alpnProtocols: ["one", "two"],
    }).listen();
    const at = { ...place(listener.address), ...trusting, ...client };
    await using _near = await tls({ ...at, alpnProtocols: ["two"] }).connect();
    await using _far = await listener.accept();
    const error = await rejection(
      tls({ ...at, alpnProtocols: ["three"] }).connect(),
    );
    assertInstanceOf(error, Error);
  }
});

Deno.test("tls: a listener needs a certificate and its key", async () => {
  await assertRejects(
    () => tls({ port: 0 }).listen(),
    TypeError,
    "Listen at tls://127.0.0.1:0: cert is undefined",
  );
  for (const options of [server, mutual]) {
    await assertRejects(
      () => tls({ port: 0, ...options, key: client.key }).listen(),
      Deno.errors.InvalidData,
      "Listen at tls://127.0.0.1:0: key is not the key of cert",
    );
  }
});

Deno.test("tls() refuses invalid options, naming option and value", () => {
  const { cert, key } = server;
  const bad: [Partial<TlsOptions>, typeof Error, string][] = [
    [{ port: 65536 }, RangeError, "port is 65536"],
    [{ hostname: "a b" }, TypeError, 'hostname is "a b"'],
    [{ serverName: "" }, TypeError, 'serverName is ""'],
    [{ caCerts: [] }, TypeError, "caCerts is []"],
    [{ clientCaCerts: [] }, TypeError, "clientCaCerts is []"],
    [{ caCerts: [ca, "x"] }, TypeError, "caCerts[1] is not PEM"],
    [{ clientCaCerts: [key] }, TypeError, "clientCaCerts[0] is not PEM"],
    [{ cert: key, key }, TypeError, "cert is not PEM"],
    [{ cert, key: cert }, TypeError, "key is not PEM"],
    [{ cert }, TypeError, "key is undefined"],
    [{ key }, TypeError, "cert is undefined"],
    [{ alpnProtocols: [""] }, TypeError, 'alpnProtocols has ""'],
    [{ handshakeTimeout: 0 }, RangeError, "handshakeTimeout is 0"],
    [{ handshakeTimeout: NaN }, RangeError, "handshakeTimeout is NaN"],
    [{ handshakeTimeout: 2 ** 31 }, RangeError, "handshakeTimeout is 2147"],
    ...untyped<Partial<TlsOptions>>([
      [{ serverName: 7 }, TypeError, "serverName is 7"],
      [{ alpnProtocols: "h2" }, TypeError, 'alpnProtocols is "h2"'],
      [{ alpnProtocols: [7] }, TypeError, "alpnProtocols[0] is 7"],
      [{ handshakeTimeout: "1" }, RangeError, 'handshakeTimeout is "1"'],
      [{ onHandshakeError: 7 }, TypeError, "onHandshakeError is 7"],
    ]),
  ];
  for (const [options, errorClass, message] of bad) {
    assertThrows(() => tls({ port: 1, ...options }), errorClass, message);
  }
});

Deno.test("tls() prints its address", () => {
  assertEquals(tls({ port: 4444 }).toString(), "tls://127.0.0.1:4444");
  assertEquals(tls({ hostname: "::1", port: 1 }).toString(), "tls://[::1]:1");
});

Deno.test("tls: the error of a missing permission names the flag", async () => {
  const run = (options: TlsOptions, act: string, flags: string[]) =>
    runWithFlags(
      `import { tls } from "./transports/mod.ts";
       const resource = await tls(${JSON.stringify(options)}).${act}();
       await resource.close();`,
      flags,
    );
  for (const name of ["tls", "mutual tls"] as const) {
    await using listener = await kinds[name].server().listen();
    const at = place(listener.address);
    const own = name === "tls" ? {} : client;
    for (
      const [options, act] of [
        [{ ...at, ...trusting, ...own }, "connect"],
        [{ port: 0, ...listeners[name] }, "listen"],
      ] as const
    ) {
      const flag = `--allow-net=127.0.0.1:${options.port}`;
      const refused = await run(options, act, []);
      assertStringIncludes(refused, "NotCapable");
      assertStringIncludes(refused, `run again with ${flag}\n`);
      assertEquals(await run(options, act, [flag]), "");
    }
  }
});

Deno.test("tls: a failed accept of the system rejects accept(), and the next one succeeds", async () => {
  const failure = new Error("Too many open files (os error 24)");
  const closed = Promise.withResolvers<never>();
  const [plain, other] = memoryPair();
  const address = { transport: "tls", hostname: "127.0.0.1", port: 1 } as const;
  const connection: Connection<NetAddress> = Object.create(plain, {
    localAddress: { value: address },
    remoteAddress: { value: address },
  });
  const accepts = [
    Promise.reject(failure),
    Promise.resolve(connection),
    closed.promise,
  ];
  const queue = new HandshakeQueue(
    {
      accept: () => accepts.shift() ?? closed.promise,
      close: () => closed.reject(new Deno.errors.BadResource("closed")),
    },
    (connection) => Promise.resolve(connection),
    undefined,
  );
  assertStrictEquals(await rejection(queue.accept()), failure);
  assertStrictEquals(await queue.accept(), connection);
  await queue.close();
  assertInstanceOf(await rejection(queue.accept()), Deno.errors.BadResource);
  plain.abort();
  other.abort();
});

Deno.test("tls: a listener at localhost is reached at both addresses", async () => {
  const listening = tls({ hostname: "localhost", port: 0, ...server });
  await using listener = await listening.listen();
  const { port } = listener.address;
  for (const hostname of ["127.0.0.1", "::1"]) {
    const at = { hostname, port, serverName: "localhost", ...trusting };
    await using near = await tls(at).connect();
    await using far = await listener.accept();
    assertEquals(far.remoteAddress, near.localAddress);
  }
});

Deno.test("tls: an upload whose source fails, or whose writer is aborted, is cut for the peer", async () => {
  const reason = new Error("source failed");
  const failing = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(noise(100));
        controller.error(reason);
      },
    }, { highWaterMark: 0 });
  for (const kind of Object.values(kinds)) {
    for (const how of ["pipe", "writer"]) {
      const [near, far] = await meet(kind);
      const received = rejection(toBytes(far.readable));
      if (how === "pipe") await rejection(failing().pipeTo(near.writable));
      else await near.writable.abort(reason);
      assertInstanceOf(await received, Deno.errors.UnexpectedEof);
      assertStrictEquals(await rejection(near.closed), reason);
      await far.close();
    }
  }
});
