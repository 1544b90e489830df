import { retry } from "@std/async";
import { formatAddress, type Transport, unix } from "../../transports/mod.ts";

/**
 * Connects a client under attack in the background, and retries until the attacker
 * listens. Returns the address at which the attacker must listen.
 */
export function startClient(
  folder: string,
  connect: (transport: Transport) => Promise<void>,
): Promise<string> {
  const path = `${folder}/attacker`;
  const connected = retry(() => connect(unix({ path })), {
    maxAttempts: 1000,
    minTimeout: 5,
    maxTimeout: 20,
  });
  // The attacker may end the session at any time.
  connected.catch(() => {});
  return Promise.resolve(formatAddress({ transport: "unix", path }));
}
