// deno-lint-ignore-file explicit-module-boundary-types -- Node runs it as it is
// Requests by vscode-jsonrpc: the same code in Deno and on Node. Node runs it
// as `node vscode_jsonrpc.mjs PACKAGE`, and each line of its input is a job.
import { createInterface } from "node:readline";
import net from "node:net";
import tls from "node:tls";
import { pathToFileURL } from "node:url";

/** Params that make the request's JSON as large as on the other sides. */
const PARAMS = { text: "twenty-one characters" };

/** Keeps requests in flight until all are answered; returns milliseconds. */
export async function requests(rpc, { address, count, inFlight }) {
  const socket = await connect(address);
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(socket),
    new rpc.StreamMessageWriter(socket),
  );
  connection.listen();
  let left = count;
  const start = performance.now();
  const worker = async () => {
    while (left-- > 0) await connection.sendRequest("echo", PARAMS);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const took = performance.now() - start;
  connection.dispose();
  socket.destroy();
  return took;
}

function connect(address) {
  return new Promise((resolve, reject) => {
    const connected = () => resolve(socket);
    const socket = address.ca
      ? tls.connect(address, connected)
      : net.connect(address, connected);
    socket.setNoDelay?.(true);
    socket.once("error", reject);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { default: rpc } = await import(process.argv[2]);
  for await (const job of createInterface({ input: process.stdin })) {
    console.log(await requests(rpc, JSON.parse(job)));
  }
}
