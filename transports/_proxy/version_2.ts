import { canonicalIpv6 } from "./ip.ts";
import {
  hex,
  type ProxiedEnd,
  type ProxyHeaderVersion,
  unexpected,
} from "./proxy_header.ts";

/** The signature, version and command, family and protocol, and the length. */
const FIXED_BYTES = 16;
/** The most that are read; a header may be up to 65,551 bytes long. */
export const MAX_BYTES = 4096;

const [LOCAL, PROXY] = [0x20, 0x21];

/** The bytes of both addresses, by the byte of family and protocol. */
const ADDRESS_BYTES: Record<number, number> = {
  0x00: 0, // Not specified.
  0x11: 12, // TCP over IPv4.
  0x12: 12, // UDP over IPv4.
  0x21: 36, // TCP over IPv6.
  0x22: 36, // UDP over IPv6.
  0x31: 216, // A stream over Unix sockets.
  0x32: 216, // Datagrams over Unix sockets.
};

/**
 * Version 2 (PROXY protocol §2.2): binary. The fields behind the addresses
 * (TLVs) are skipped, the checksum among them: TCP has one.
 */
export const version2: ProxyHeaderVersion = {
  signature: Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10),

  missing(bytes) {
    if (bytes.length < FIXED_BYTES) return FIXED_BYTES - bytes.length;
    const { command, family, length } = fixedFields(bytes);
    if (command !== LOCAL && command !== PROXY) {
      throw unexpected(
        12,
        `is ${hex(command)}`,
        "0x20 (LOCAL) or 0x21 (PROXY)",
      );
    }
    const most = MAX_BYTES - FIXED_BYTES;
    if (length > most) {
      throw unexpected(14, `begins the length ${length}`, `at most ${most}`);
    }
    if (command === PROXY) {
      const least = ADDRESS_BYTES[family];
      if (least === undefined) {
        const known = Object.keys(ADDRESS_BYTES).map((key) => hex(Number(key)));
        throw unexpected(13, `is ${hex(family)}`, known.join(", "));
      }
      if (length < least) {
        throw unexpected(14, `begins the length ${length}`, `${least} or more`);
      }
    }
    return FIXED_BYTES + length - bytes.length;
  },

  parse(bytes) {
    const { command, family } = fixedFields(bytes);
    if (command === LOCAL) return undefined;
    const ip = { 1: 4, 2: 16 }[family >> 4];
    // A client at a Unix socket has no host and no port.
    if (ip === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset + FIXED_BYTES);
    const end = (index: number): ProxiedEnd => {
      const address = bytes.subarray(FIXED_BYTES + index * ip).subarray(0, ip);
      return {
        hostname: ip === 4 ? address.join(".") : ipv6Of(address),
        port: view.getUint16(2 * ip + 2 * index),
      };
    };
    return { source: end(0), destination: end(1) };
  },
};

function fixedFields(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, FIXED_BYTES);
  return {
    command: view.getUint8(12),
    family: view.getUint8(13),
    length: view.getUint16(14),
  };
}

function ipv6Of(address: Uint8Array): string {
  const view = new DataView(address.buffer, address.byteOffset);
  const groups = Array.from(
    { length: 8 },
    (_, n) => view.getUint16(2 * n).toString(16),
  );
  return canonicalIpv6(groups.join(":")) ?? "";
}
