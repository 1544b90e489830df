import { latin1, showBytes } from "../_util/show_bytes.ts";
import {
  hex,
  type ProxiedEnds,
  type ProxyHeaderVersion,
  unexpected,
} from "./proxy_header.ts";
import { version1 } from "./version_1.ts";
import { MAX_BYTES, version2 } from "./version_2.ts";
import { systemErrors } from "../_util/system_errors.ts";

const VERSIONS = [version1, version2];

/**
 * Reads a PROXY header, and not one byte more.
 *
 * @returns The ends that it names; `undefined` if it names none.
 * @throws {Deno.errors.InvalidData} It is malformed, or too long.
 * @throws {Deno.errors.UnexpectedEof} The peer ends within it.
 */
export async function readProxyHeader(
  source: { read(into: Uint8Array): Promise<number | null> },
): Promise<ProxiedEnds | undefined> {
  const buffer = new Uint8Array(MAX_BYTES);
  let length = 0;
  for (;;) {
    const bytes = buffer.subarray(0, length);
    const version = versionOf(bytes);
    const missing = version.missing(bytes);
    if (missing === 0) return version.parse(bytes);
    const count = await source.read(buffer.subarray(length, length + missing));
    if (count === null) {
      throw new systemErrors.UnexpectedEof(
        `the peer ended at byte ${length}, expected at least ${missing} more`,
      );
    }
    length += count;
  }
}

/** The version that the first bytes begin. */
function versionOf(bytes: Uint8Array): ProxyHeaderVersion {
  const likeness = ({ signature }: ProxyHeaderVersion) => {
    const other = signature.findIndex((byte, at) => byte !== bytes[at]);
    return other < 0 ? signature.length : other;
  };
  let most = 0;
  for (const version of VERSIONS) {
    const alike = likeness(version);
    if (alike >= Math.min(bytes.length, version.signature.length)) {
      return version;
    }
    most = Math.max(most, alike);
  }
  throw unexpected(
    most,
    `is ${hex(bytes[most] ?? 0)} in ${showBytes(latin1(bytes))}`,
    '"PROXY " or the signature of version 2',
  );
}
