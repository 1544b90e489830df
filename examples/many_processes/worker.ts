/**
 * One of the processes that serve a port: it prints the port, and shuts down
 * when its input ends.
 *
 * deno run --allow-net --unstable-net examples/many_processes/worker.ts 4000
 */
import { JSONRPCPeer, serve, tcp } from "@parley/parley";

/** What a client may call. */
export interface WorkerMethods {
  /** Counts the primes below a number, and tells which process has done it. */
  countPrimes(params: { below: number }): { count: number; pid: number };
}

/** What a worker calls at its client. */
export interface ClientMethods {
  /** The session is served: calls may be sent. */
  ready(): void;
  /** Send no more calls. It returns when every call has been answered. */
  leave(): void;
}

class WorkerSession extends JSONRPCPeer<ClientMethods, WorkerMethods> {
  constructor() {
    super({
      methods: {
        countPrimes: ({ below }) => ({
          count: countPrimes(below),
          pid: Deno.pid,
        }),
      },
    });
  }

  // A connection that still waits to be accepted is reset if the process ends.
  // A client that sends nothing before this loses nothing, and dials again.
  protected override onSessionStart(): Promise<void> {
    return this.notify("ready");
  }

  // The server ends the session afterwards: no call is under way then.
  protected override async onShutdown(): Promise<void> {
    await this.request("leave");
    await super.onShutdown();
  }
}

function countPrimes(below: number): number {
  let count = 0;
  for (let candidate = 2; candidate < below; candidate++) {
    let divisor = 2;
    while (divisor * divisor <= candidate && candidate % divisor > 0) divisor++;
    if (divisor * divisor > candidate) count++;
  }
  return count;
}

if (import.meta.main) {
  const transport = tcp({ port: Number(Deno.args[0] ?? 0), reusePort: true });
  const server = serve(await transport.listen(), () => new WorkerSession(), {
    shutdownTimeout: 30_000,
  });
  console.log(server.addr.port);
  // It also ends if the parent dies.
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await server.shutdown();
}
