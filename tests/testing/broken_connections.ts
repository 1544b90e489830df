/** Connections that each break a law; a test checks that they fail. */
import { testTransport } from "../../testing/mod.ts";
import { type Connection, memoryPair } from "../../transports/mod.ts";

function broken(
  name: string,
  twist: (connection: Connection) => Partial<Connection>,
): void {
  testTransport(name, () => {
    const [near, far] = memoryPair().map((connection) => ({
      readable: connection.readable,
      writable: connection.writable,
      read: (into) => connection.read(into),
      write: (bytes) => connection.write(bytes),
      closeWrite: () => connection.closeWrite(),
      closed: connection.closed,
      localAddress: connection.localAddress,
      remoteAddress: connection.remoteAddress,
      close: () => connection.close(),
      abort: (reason) => connection.abort(reason),
      [Symbol.asyncDispose]: () => connection.close(),
      ...twist(connection),
    } as Connection));
    if (!near || !far) throw new Error("No pair");
    return [near, far];
  });
}

broken("close() that drops", (connection) => ({
  close: () => Promise.resolve(connection.abort()),
}));

broken("abort() without its reason", (connection) => ({
  abort: () => connection.abort(new Error("another")),
}));

broken("a timer left behind", () => {
  setTimeout(() => {}, 1_000_000);
  return {};
});

broken("a rejection left behind", () => {
  Promise.reject(new Error("left behind"));
  return {};
});

broken("read() that ends where it fails", (connection) => ({
  read: (into) => connection.read(into).catch(() => null),
}));

broken("read() that never settles", () => ({
  read: () => new Promise(() => {}),
}));

broken("closed that never settles", () => ({
  closed: new Promise(() => {}),
}));

testTransport("no backpressure, as it says", () =>
  memoryPair({
    // All that the law would write fits.
    highWaterMark: 128 * 1024 * 1024,
  }), { lacks: ["backpressure"] });

broken("plain streams", (connection) => ({
  readable: connection.readable.pipeThrough(new TransformStream()),
}));

broken("the end of reading ends writing", (connection) => ({
  readable: connection.readable.pipeThrough(
    new TransformStream({
      flush: () => connection.writable.abort(),
    }),
  ),
}));

broken("bytes out of order", (connection) => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const half = chunk.length >> 1;
      controller.enqueue(chunk.slice(half));
      controller.enqueue(chunk.slice(0, half));
    },
  });
  readable.pipeTo(connection.writable).catch(() => {});
  return { writable };
});
