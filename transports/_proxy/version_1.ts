import { latin1, showBytes } from "../_util/show_bytes.ts";
import { canonicalIpv6, isIpv4 } from "./ip.ts";
import {
  type ProxiedEnds,
  type ProxyHeaderVersion,
  unexpected,
} from "./proxy_header.ts";

const [LF, CR] = [0x0a, 0x0d];

/** `PROXY UNKNOWN` and its end. */
const MIN_BYTES = 15;
/** PROXY protocol §2.1: what the longest addresses need. */
const MAX_BYTES = 107;

/** Version 1 (PROXY protocol §2.1): a line of text. */
export const version1: ProxyHeaderVersion = {
  signature: new TextEncoder().encode("PROXY "),

  missing(bytes) {
    const end = bytes.indexOf(LF);
    if (end >= 0) {
      if (bytes[end - 1] === CR) return 0;
      throw unexpected(end, "is LF", "the end of the line at CR LF");
    }
    const ending = bytes.at(-1) === CR ? 1 : 2;
    const missing = Math.max(ending, MIN_BYTES - bytes.length);
    if (bytes.length + missing > MAX_BYTES) {
      throw unexpected(
        MAX_BYTES - 2,
        "is not the end of the line",
        `CR LF in ${MAX_BYTES} bytes`,
      );
    }
    return missing;
  },

  parse(bytes) {
    const line = bytes.subarray(0, bytes.indexOf(LF) - 1);
    const fields = latin1(line).split(" ");
    const [, family] = fields;
    // Whatever else it says is ignored.
    if (family === "UNKNOWN") return undefined;
    if (family !== "TCP4" && family !== "TCP6") {
      throw wrong(fields, 1, "TCP4, TCP6 or UNKNOWN");
    }
    const address = (index: number): string => {
      const text = fields[index] ?? "";
      const ip = family === "TCP6"
        ? canonicalIpv6(text)
        : isIpv4(text)
        ? text
        : undefined;
      if (ip !== undefined) return ip;
      throw wrong(fields, index, `an IPv${family.at(-1)} address`);
    };
    const port = (index: number): number => {
      const text = fields[index] ?? "";
      if (/^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff) {
        return Number(text);
      }
      throw wrong(fields, index, "a port from 0 to 65535");
    };
    const ends: ProxiedEnds = {
      source: { hostname: address(2), port: port(4) },
      destination: { hostname: address(3), port: port(5) },
    };
    if (fields.length > 6) throw wrong(fields, 6, "the end of the line");
    return ends;
  },
};

function wrong(
  fields: readonly string[],
  index: number,
  expected: string,
): Error {
  const offset = [...fields.slice(0, index), ""].join(" ").length;
  const shown = showBytes(fields[index] ?? "");
  return unexpected(offset, `begins ${shown}`, expected);
}
