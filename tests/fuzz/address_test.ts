import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import {
  type Address,
  formatAddress,
  parseAddress,
  parseTransport,
} from "../../transports/mod.ts";
import { fuzz } from "./fuzz.ts";

const words = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom(
        ..."tcp: tls: ws: wss: unix: memory: // : / @ [ ] % # ? & . - 0 1 80 65535 65536"
          .split(" "),
        ..."localhost 127.0.0.1 ::1 fe80::1%eth0 TCP: stdio: %20 %zz %00 é"
          .split(
            " ",
          ),
        ..." \n\t\0\\\u200b\ud800".split(""),
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
  ),
  { maxLength: 8 },
).map((parts) => parts.join(""));

const port = fc.nat(65535);
const pathLike = fc.string({ unit: "binary", minLength: 1 })
  .filter((text) => !text.includes("\0") && text !== "@");
const addresses: fc.Arbitrary<Address> = fc.oneof(
  fc.record({
    transport: fc.constantFrom("tcp", "tls"),
    hostname: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
    port,
  }),
  fc.record({ transport: fc.constant("unix"), path: pathLike }),
  fc.record({
    transport: fc.constant("memory"),
    name: fc.string({ unit: "binary", minLength: 1 }),
  }),
  fc.record({
    transport: fc.constant("stdio"),
    command: pathLike,
    args: fc.array(pathLike),
  }),
);

/** The result of parsing, or undefined if it refuses with a documented error. */
function parsed(address: string | URL): Address | undefined {
  try {
    return parseAddress(address);
  } catch (error) {
    assertInstanceOf(error, Error);
    assert(error instanceof TypeError || error instanceof RangeError);
    assert(/ is .*: it must (be|have) /s.test(error.message), error.message);
    return undefined;
  }
}

fuzz("parseAddress() of a string", words, (text) => {
  const address = parsed(text);
  if (!address) return;
  const formatted = formatAddress(address);
  assertEquals(parseAddress(formatted), address);
  assertEquals(String(parseTransport(text)), formatted);
});

fuzz("parseAddress() of a URL", words, (text) => {
  if (!URL.canParse(text)) return;
  const address = parsed(new URL(text));
  if (address) assertEquals(parseAddress(formatAddress(address)), address);
});

fuzz("formatAddress()", addresses, (address) => {
  assertEquals(parseAddress(formatAddress(address)), address);
});
