import { assert } from "@std/assert";
import type { Listener } from "../../../transports/mod.ts";

/** The port of a listener. */
export function portOf({ address }: Listener): number {
  assert("port" in address && typeof address.port === "number");
  return address.port;
}
