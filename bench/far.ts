// The far end, in a process of its own: `far.ts FOLDER`. It listens for each part
// over each transport, says where, and serves until its input ends.
import { formatAddress } from "../mod.ts";
import { type Part, parts } from "./parts.ts";
import type { Addresses } from "./wires.ts";

const [folder] = Deno.args;

function listen(part: Part): Record<string, Deno.Listener> {
  return {
    unix: Deno.listen({ transport: "unix", path: `${folder}/${part}` }),
    tcp: Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  };
}

async function serve(part: Part, listener: Deno.Listener): Promise<void> {
  for await (const conn of listener) {
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay();
    // A client leaves when it has seen enough.
    parts[part](conn).catch(() => {}).finally(() => conn.close());
  }
}

function addressOf(addr: Deno.Addr): string {
  if ("path" in addr) return `unix:${addr.path}`;
  const { hostname, port } = addr as Deno.NetAddr;
  return formatAddress({ transport: "tcp", hostname, port });
}

const addresses: Addresses = {};
for (const part of Object.keys(parts) as Part[]) {
  for (const [wire, listener] of Object.entries(listen(part))) {
    (addresses[wire] ??= {} as Record<Part, string>)[part] = addressOf(
      listener.addr,
    );
    serve(part, listener);
  }
}
console.log(JSON.stringify(addresses));
for await (const _ of Deno.stdin.readable);
Deno.exit();
