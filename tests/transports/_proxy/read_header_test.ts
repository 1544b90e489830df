import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { concat } from "@std/bytes";
import fc from "fast-check";
import { rejection } from "../../../testing/_util/rejection.ts";
import { readProxyHeader } from "../../../transports/_proxy/read_header.ts";
import {
  binaryHeader,
  SIGNATURE,
  textHeader,
} from "../../support/transports/proxy_header.ts";

/** A source of bytes that gives at most `most` of them at a time. */
class Source {
  #left: Uint8Array;
  readonly #most: number;

  constructor(bytes: Uint8Array, most = Infinity) {
    this.#left = bytes;
    this.#most = most;
  }

  get left(): Uint8Array {
    return this.#left;
  }

  // deno-lint-ignore require-await -- like a socket's
  async read(into: Uint8Array): Promise<number | null> {
    const count = Math.min(this.#left.length, this.#most, into.length);
    if (count === 0) return null;
    into.set(this.#left.subarray(0, count));
    this.#left = this.#left.subarray(count);
    return count;
  }
}

const session = new TextEncoder().encode(
  "PROXY is what the session begins with",
);
const v4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];
const v4Ends = {
  source: { hostname: "192.0.2.1", port: 56324 },
  destination: { hostname: "198.51.100.2", port: 443 },
};
const one = [...new Array(15).fill(0), 1];
const v6 = [
  ...one,
  0x20,
  1,
  0x0d,
  0xb8,
  ...new Array(11).fill(0),
  2,
  0,
  1,
  0,
  2,
];
const v6Ends = {
  source: { hostname: "::1", port: 1 },
  destination: { hostname: "2001:db8::2", port: 2 },
};
const mapped = [...new Array(10).fill(0), 255, 255, 127, 0, 0, 1];
const checksum = [0x03, 0, 4, 1, 2, 3, 4]; // It is wrong, and not looked at.

const valid: Record<string, [Uint8Array, unknown]> = {
  "version 1, TCP4": [
    textHeader("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443"),
    v4Ends,
  ],
  "version 1, TCP6": [textHeader("PROXY TCP6 ::1 2001:db8::2 1 2"), v6Ends],
  "version 1, TCP6 in other notations": [
    textHeader("PROXY TCP6 0:0:0:0:0:0:0:1 2001:0DB8::0002 1 2"),
    v6Ends,
  ],
  "version 1, TCP6, mapped": [
    textHeader("PROXY TCP6 ::ffff:192.0.2.1 ::FFFF:7f00:1 0 65535"),
    {
      source: { hostname: "::ffff:192.0.2.1", port: 0 },
      destination: { hostname: "::ffff:127.0.0.1", port: 65535 },
    },
  ],
  "version 1, UNKNOWN": [textHeader("PROXY UNKNOWN"), undefined],
  "version 1, UNKNOWN with all there is room for": [
    textHeader(`PROXY UNKNOWN ${"f".repeat(91)}`),
    undefined,
  ],
  "version 1, UNKNOWN with bytes that are not text": [
    concat([
      new TextEncoder().encode("PROXY UNKNOWN "),
      Uint8Array.of(0, 255, 13, 13, 10),
    ]),
    undefined,
  ],
  "version 2, IPv4": [binaryHeader({ family: 0x11, body: v4 }), v4Ends],
  "version 2, IPv4 of UDP": [binaryHeader({ family: 0x12, body: v4 }), v4Ends],
  "version 2, IPv4 with fields behind it": [
    binaryHeader({ family: 0x11, body: [...v4, ...checksum] }),
    v4Ends,
  ],
  "version 2, IPv4 with fields whose length lies": [
    binaryHeader({ family: 0x11, body: [...v4, 0x04, 0xff, 0xff] }),
    v4Ends,
  ],
  "version 2, IPv4, as long as is read": [
    binaryHeader({ family: 0x11, body: [...v4, ...new Array(4068).fill(4)] }),
    v4Ends,
  ],
  "version 2, IPv6": [binaryHeader({ family: 0x21, body: v6 }), v6Ends],
  "version 2, IPv6, mapped": [
    binaryHeader({ family: 0x21, body: [...mapped, ...one, 0, 1, 0, 2] }),
    {
      source: { hostname: "::ffff:127.0.0.1", port: 1 },
      destination: { hostname: "::1", port: 2 },
    },
  ],
  "version 2, Unix": [
    binaryHeader({ family: 0x31, body: new Array(216).fill(0x2f) }),
    undefined,
  ],
  "version 2, not specified": [
    binaryHeader({ family: 0x00, body: [] }),
    undefined,
  ],
  "version 2, not specified, with fields": [
    binaryHeader({ family: 0x00, body: checksum }),
    undefined,
  ],
  "version 2, LOCAL": [
    binaryHeader({ command: 0x20, family: 0x00, body: [] }),
    undefined,
  ],
  "version 2, LOCAL of any family": [
    binaryHeader({ command: 0x20, family: 0xff, body: v4 }),
    undefined,
  ],
};

for (const [name, [header, ends]] of Object.entries(valid)) {
  Deno.test(`a PROXY header of ${name} is read to its last byte, in pieces of any size`, async () => {
    for (const size of [1, 2, 3, 7, Infinity]) {
      const source = new Source(concat([header, session]), size);
      assertEquals(await readProxyHeader(source), ends);
      assertEquals(source.left, session);
    }
  });
}

const tcp4 = "byte 11 begins";
const wrongFamily = "expected 0x00, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32";

const invalid: Record<string, [Uint8Array | string, string]> = {
  "another protocol": [
    "GET / HTTP/1.1\r\n",
    'byte 0 is 0x47 in "G',
  ],
  "another word": ["PROXIES are here", "byte 4 is 0x49 in"],
  "lower case": ["proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "byte 0 is 0x70 in"],
  "a TLS handshake": [
    Uint8Array.of(0x16, 3, 1, 0, 0xff, ...new Array(20).fill(1)),
    'byte 0 is 0x16 in "\\u0016',
  ],
  "a broken signature": [
    SIGNATURE.with(6, 0x0d),
    "byte 6 is 0x0d in",
  ],
  "no family": ["PROXY \r\n0123456", 'byte 6 begins "", expected TCP4, TCP6'],
  "another family": [
    "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    'byte 6 begins "UDP4", expected TCP4, TCP6 or UNKNOWN',
  ],
  "a family that begins like one": ["PROXY UNKNOWNS\r\n", "byte 6 begins"],
  "a leading zero": [
    "PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
    `${tcp4} "01.2.3.4", expected an IPv4 address`,
  ],
  "a number of 256": ["PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", tcp4],
  "an address of three numbers": ["PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", tcp4],
  "an address in hexadecimal": ["PROXY TCP4 0x7f.0.0.1 1.2.3.4 1 2\r\n", tcp4],
  "a name": ["PROXY TCP4 localhost 1.2.3.4 1 2\r\n", tcp4],
  "IPv6 as TCP4": ["PROXY TCP4 ::1 ::1 1 2\r\n", tcp4],
  "IPv4 as TCP6": [
    "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
    'byte 11 begins "1.2.3.4", expected an IPv6 address',
  ],
  "IPv6 with nine groups": ["PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n", tcp4],
  "IPv6 with a zone": ["PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", tcp4],
  "IPv6 in brackets": ["PROXY TCP6 [::1] ::1 1 2\r\n", tcp4],
  "a wrong destination": [
    "PROXY TCP4 1.2.3.4 5.6.7 1 2\r\n",
    'byte 19 begins "5.6.7", expected an IPv4 address',
  ],
  "no destination": ["PROXY TCP4 1.2.3.4\r\n", 'byte 19 begins ""'],
  "a port of 65536": [
    "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
    'byte 27 begins "65536", expected a port from 0 to 65535',
  ],
  "a negative port": ["PROXY TCP4 1.2.3.4 5.6.7.8 1 -2\r\n", "byte 29 begins"],
  "a port with zeros": [
    "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
    "byte 27 begins",
  ],
  "no second port": ["PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", 'byte 29 begins ""'],
  "two blanks": ["PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", 'byte 11 begins ""'],
  "a tab": [
    "PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n",
    'byte 6 begins "TCP4\\t1.2.3.4"',
  ],
  "a field too many": [
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
    'byte 31 begins "3", expected the end of the line',
  ],
  "a blank at the end": [
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
    'byte 31 begins "", expected the end of the line',
  ],
  "LF alone": [
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\nmore",
    "byte 30 is LF, expected the end of the line at CR LF",
  ],
  "a line without an end": [
    `PROXY UNKNOWN ${"f".repeat(200)}`,
    "byte 105 is not the end of the line, expected CR LF in 107 bytes",
  ],
  "a line of one byte too many": [
    `PROXY UNKNOWN ${"f".repeat(92)}\r\n`,
    "expected CR LF in 107 bytes",
  ],
  "version 1 in binary": [
    binaryHeader({ command: 0x11, family: 0x11, body: v4 }),
    "byte 12 is 0x11, expected 0x20 (LOCAL) or 0x21 (PROXY)",
  ],
  "version 3": [
    binaryHeader({ command: 0x31, family: 0x11, body: v4 }),
    "byte 12 is 0x31",
  ],
  "another command": [
    binaryHeader({ command: 0x22, family: 0x11, body: v4 }),
    "byte 12 is 0x22",
  ],
  "another family of version 2": [
    binaryHeader({ family: 0x41, body: v4 }),
    `byte 13 is 0x41, ${wrongFamily}`,
  ],
  "another protocol of version 2": [
    binaryHeader({ family: 0x13, body: v4 }),
    `byte 13 is 0x13, ${wrongFamily}`,
  ],
  "a family without a protocol": [
    binaryHeader({ family: 0x10, body: v4 }),
    `byte 13 is 0x10, ${wrongFamily}`,
  ],
  "IPv4 that is too short": [
    binaryHeader({ family: 0x11, body: v4.slice(1) }),
    "byte 14 begins the length 11, expected 12 or more",
  ],
  "IPv6 with the length of IPv4": [
    binaryHeader({ family: 0x21, body: v4 }),
    "byte 14 begins the length 12, expected 36 or more",
  ],
  "Unix that is too short": [
    binaryHeader({ family: 0x31, body: v4 }),
    "byte 14 begins the length 12, expected 216 or more",
  ],
  "a length over the bound": [
    binaryHeader({ family: 0x11, body: v4, length: 4081 }),
    "byte 14 begins the length 4081, expected at most 4080",
  ],
  "the greatest length of a LOCAL command": [
    binaryHeader({ command: 0x20, family: 0, body: [], length: 0xffff }),
    "byte 14 begins the length 65535, expected at most 4080",
  ],
};

for (const [name, [header, message]] of Object.entries(invalid)) {
  Deno.test(`a PROXY header with ${name} is refused, naming the byte and the expected one`, async () => {
    const bytes = typeof header === "string"
      ? new TextEncoder().encode(header)
      : header;
    for (const size of [1, 2, Infinity]) {
      const error = await rejection(readProxyHeader(new Source(bytes, size)));
      assertInstanceOf(error, Deno.errors.InvalidData);
      assertStringIncludes(error.message, message);
    }
  });
}

Deno.test("a PROXY header that is cut anywhere is an error that names the byte", async () => {
  for (const [header] of Object.values(valid)) {
    if (header.length > 300) continue;
    for (let at = 0; at < header.length; at++) {
      const source = new Source(header.subarray(0, at));
      const error = await rejection(readProxyHeader(source));
      assertInstanceOf(error, Deno.errors.UnexpectedEof);
      assertEquals(error.message.includes(`ended at byte ${at},`), true);
    }
  }
});

Deno.test("the error about another protocol shows its first bytes, without controls", async () => {
  const bytes = concat([Uint8Array.of(0x50, 0x9b), session]);
  assertEquals(
    String(await rejection(readProxyHeader(new Source(bytes)))),
    'InvalidData: byte 1 is 0x9b in "P\\u009bPROXY is what", ' +
      'expected "PROXY " or the signature of version 2',
  );
});

Deno.test("a peer of another protocol is refused at its first bytes, not at its end", async () => {
  const never = new Promise<null>(() => {});
  let first = true;
  const error = await rejection(readProxyHeader({
    // deno-lint-ignore require-await -- like a socket's
    async read(into) {
      if (!first) return never;
      first = false;
      into.set([0x47]);
      return 1;
    },
  }));
  assertInstanceOf(error, Deno.errors.InvalidData);
});

const port = fc.integer({ min: 0, max: 0xffff });
const ipv4 = fc.ipV4();
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const big = (value: number) => [value >> 8, value & 0xff];

Deno.test("any addresses come out of either version as they went in, a byte at a time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        source: fc.tuple(ipv4, ipv6, port),
        destination: fc.tuple(ipv4, ipv6, port),
        rest: fc.uint8Array({ maxLength: 40 }),
        fields: fc.uint8Array({ maxLength: 40 }),
      }),
      async ({ source, destination, rest, fields }) => {
        const ends = [source, destination];
        const text4 = ends.map(([ip]) => ip);
        const text6 = ends.map(([, ip]) =>
          ip.toHex().match(/.{4}/g)?.join(":")
        );
        const ports = ends.map(([, , port]) => port);
        const behind = [...ports.flatMap(big), ...fields];
        const bytes4 = text4.flatMap((ip) => ip.split(".").map(Number));
        const bytes6 = ends.flatMap(([, ip]) => [...ip]);
        const read = async (header: Uint8Array) => {
          const from = new Source(concat([header, rest]), 1);
          const found = await readProxyHeader(from);
          assertEquals(from.left, rest);
          return found;
        };
        const [one, two] = [
          await read(textHeader(
            ["PROXY TCP4", ...text4, ...ports].join(" "),
          )),
          await read(
            binaryHeader({ family: 0x11, body: [...bytes4, ...behind] }),
          ),
        ];
        assertEquals(one, {
          source: { hostname: source[0], port: source[2] },
          destination: { hostname: destination[0], port: destination[2] },
        });
        assertEquals(two, one);
        assertEquals(
          await read(
            binaryHeader({ family: 0x21, body: [...bytes6, ...behind] }),
          ),
          await read(textHeader(
            ["PROXY TCP6", ...text6, ...ports].join(" "),
          )),
        );
      },
    ),
  );
});

Deno.test("any bytes are a header or an error, and no byte behind a header is taken", async () => {
  const likeHeaders = fc.oneof(
    fc.constantFrom(...Object.values(valid).map(([header]) => header)),
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 100 }).map((body) => concat([SIGNATURE, body])),
    fc.stringMatching(/^PROXY (TCP4|TCP6|UNKNOWN)[ 0-9a-f.:]{0,100}\r\n$/)
      .map((text) => new TextEncoder().encode(text)),
  );
  const behind = fc.uint8Array({ maxLength: 20 });
  const errors = [Deno.errors.InvalidData, Deno.errors.UnexpectedEof];
  const outcome = (source: Source) =>
    readProxyHeader(source).catch((error) => error.constructor);
  let headers = 0;
  await fc.assert(fc.asyncProperty(likeHeaders, behind, async (start, rest) => {
    const bytes = concat([start, rest]);
    const whole = new Source(bytes);
    const pieces = new Source(bytes, 1);
    const found = await outcome(whole);
    assertEquals(await outcome(pieces), found);
    if (typeof found === "function") return assert(errors.includes(found));
    headers++;
    assertEquals(pieces.left, whole.left);
    const header = bytes.subarray(0, bytes.length - whole.left.length);
    const cut = new Source(header.subarray(0, -1));
    assertEquals(await outcome(cut), Deno.errors.UnexpectedEof);
  }));
  assert(headers > 0);
});
