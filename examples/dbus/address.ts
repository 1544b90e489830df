import { tcp, type Transport, unix } from "@parley/parley";

/**
 * The transport of a bus's address, such as `unix:path=/run/user/1000/bus`, as
 * `DBUS_SESSION_BUS_ADDRESS` has it.
 */
export function busTransport(address: string): Transport {
  for (const one of address.split(";")) {
    const [, kind, list = ""] = /^(\w+):(.*)$/.exec(one) ?? [];
    const keys = new URLSearchParams(list.replaceAll(",", "&"));
    const path = keys.get("path");
    const abstract = keys.get("abstract");
    const [hostname, port] = [keys.get("host"), Number(keys.get("port"))];
    if (kind === "unix" && path) return unix({ path });
    if (kind === "unix" && abstract) return unix({ path: `@${abstract}` });
    if (kind === "tcp" && hostname) return tcp({ hostname, port });
  }
  throw new TypeError(
    `Cannot connect: address is ${address}, expected unix:path=… or tcp:host=…`,
  );
}
