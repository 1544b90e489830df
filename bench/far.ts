// The far end, in a process of its own: `far.ts FOLDER`. It listens for each part
// over each transport, prints the addresses, and serves until its input ends.
import { commandLine } from "../examples/support/command_line.ts";
import { certificates } from "../tests/support/transports/certificates.ts";
import { type Part, parts } from "./parts.ts";
import type { FarEnd } from "./wires.ts";

const [folder] = commandLine("FOLDER");
const { ca, server } = await certificates();
const hostname = "127.0.0.1";

function listen(part: Part): Record<string, Deno.Listener> {
  return {
    unix: Deno.listen({ transport: "unix", path: `${folder}/${part}` }),
    tcp: Deno.listen({ hostname, port: 0 }),
    tls: Deno.listenTls({ hostname, port: 0, ...server }),
  };
}

async function serve(part: Part, listener: Deno.Listener): Promise<void> {
  for await (const conn of listener) {
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay();
    // A client leaves when it has seen enough.
    parts[part](conn).catch(() => {}).finally(() => conn.close());
  }
}

function addressOf(addr: Deno.Addr, wire: string): string {
  return "path" in addr
    ? `unix:${addr.path}`
    : `${wire}://${hostname}:${(addr as Deno.NetAddr).port}`;
}

const end: FarEnd = { ca, addresses: {} };
for (const part of Object.keys(parts) as Part[]) {
  for (const [wire, listener] of Object.entries(listen(part))) {
    const addresses = end.addresses[wire] ??= {};
    addresses[part] = addressOf(listener.addr, wire);
    serve(part, listener);
  }
}
console.log(JSON.stringify(end));
for await (const _ of Deno.stdin.readable);
Deno.exit();
