import { printable } from "../../protocol/_util/printable.ts";
import type { QMPGreeting } from "../messages.ts";

/** The server's version as text. The peer may have sent any value. */
export function versionText(greeting: QMPGreeting | undefined): string {
  const { qemu, package: packager } = Object(greeting?.QMP.version);
  const { major, minor, micro } = Object(qemu);
  const numbers = [major, minor, micro];
  const version = numbers.every((number) => typeof number === "number")
    ? numbers.join(".")
    : "unknown";
  return typeof packager === "string" && packager !== ""
    ? `${version}, ${printable(packager)}`
    : version;
}
