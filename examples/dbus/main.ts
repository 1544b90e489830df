/**
 * Lists the names on a bus, and shows the next one that comes or goes.
 *
 * deno run --allow-net --allow-read --allow-write examples/dbus/main.ts "$DBUS_SESSION_BUS_ADDRESS"
 */
import { busTransport } from "./address.ts";
import { Bus } from "./bus.ts";
import { commandLine } from "../support/command_line.ts";

const [address = "unix:path=/run/dbus/system_bus_socket"] = commandLine(
  "[ADDRESS]",
);
const bus = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
};
await using member = new Bus();
await member.connect(busTransport(address));
const [names] = await member.call({ ...bus, member: "ListNames" });
console.log("Names:", names);

using changes = await member.listen({
  sender: bus.destination,
  member: "NameOwnerChanged",
});
console.log("Listening");
const { body: [name, , owner] } = await changes.next();
console.log(name, owner === "" ? "has gone" : "has come");
