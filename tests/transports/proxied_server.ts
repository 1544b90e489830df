// A server behind a load balancer. It answers each line with its process and the
// addresses of the connection, and marks the answer to the line "health".
import { lines, Peer, serve } from "../../protocol/mod.ts";
import { formatAddress, tcp } from "../../transports/mod.ts";

class Server extends Peer<string> {
  readonly #answer: string;

  constructor(answer: string) {
    super({ codec: lines });
    this.#answer = answer;
  }

  protected override onMessage(line: string): Promise<void> {
    return this.send(
      line === "health" ? `healthy ${this.#answer}` : this.#answer,
    );
  }
}

const transport = tcp({
  port: 0,
  proxyProtocol: true,
  onHandshakeError: (error) => console.log("refused:", error),
});
const listener = await transport.listen();
serve(listener, ({ remoteAddress, localAddress }) => {
  const [remote, local] = [remoteAddress, localAddress].map(formatAddress);
  return new Server(JSON.stringify({ pid: Deno.pid, remote, local }));
}, {
  onError(error) {
    // HAProxy resets the connection of a check when it has its answer.
    if (error instanceof Deno.errors.ConnectionReset) return;
    console.log("failed:", error);
  },
});
console.log(`listening at port ${listener.address.port}`);
