import type {
  ListenTcpOptions,
  System,
  TcpListener,
} from "../_system/system.ts";
import { dial } from "./dial.ts";

/** `Deno`. Elsewhere each use is a `ReferenceError`. */
export const denoSystem: System = {
  get files() {
    return Deno;
  },
  connectTcp: dial,
  // deno-lint-ignore require-await -- errors reject
  async listenTcp(at) {
    if (at.reusePort) checkReusePort();
    return listen(at);
  },
  connectUnix: (path) => Deno.connect({ transport: "unix", path }),
  // deno-lint-ignore require-await -- errors reject
  listenUnix: async (path) => Deno.listen({ transport: "unix", path }),
  // deno-lint-ignore require-await -- errors reject
  spawn: async (command, options) => new Deno.Command(command, options).spawn(),
  isGranted: (permission) =>
    Deno.permissions.querySync(permission).state === "granted",
  onExit: (act) => globalThis.addEventListener("unload", act),
};

/** `Deno.listen()`, which gives no connection that its peer has reset already. */
function listen(at: ListenTcpOptions): TcpListener {
  const listener = Deno.listen({ ...at });
  return {
    addr: listener.addr,
    close: () => listener.close(),
    async accept() {
      for (;;) {
        try {
          return await listener.accept();
        } catch (error) {
          // The peer has reset the connection while it was in the queue.
          if (!(error instanceof Deno.errors.NotConnected)) throw error;
        }
      }
    },
  };
}

/** Without the flag, Deno would end the process. */
function checkReusePort(): void {
  // There with the same flag.
  if ("listenDatagram" in Deno) return;
  throw new Deno.errors.NotSupported(
    "reusePort is true, expected Deno's flag --unstable-net with it",
  );
}
