import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  craft,
  identity,
  MAY_CERTIFY,
  MAY_SIGN,
  type Says,
} from "../../support/transports/crafted_certificates.ts";
import { meet } from "./meet.ts";

const root = await craft({
  subject: "root",
  isAuthority: true,
  usage: MAY_CERTIFY,
});

/** A certificate, the names it is for, and the names it is not for. */
const names: [string, Says, string[], string[]][] = [
  [
    "text that looks like more entries",
    {
      dns: ["evil.example, DNS:localhost, IP Address:127.0.0.1"],
    },
    [],
    ["localhost", "127.0.0.1", "evil.example"],
  ],
  [
    "text with quotes",
    { dns: ['"evil.example, DNS:localhost"'] },
    [],
    ["localhost"],
  ],
  [
    "a NUL in it",
    { dns: ["localhost\0.evil.example"] },
    [],
    ["localhost"],
  ],
  [
    "the name in its subject alone",
    { subject: "localhost" },
    [],
    ["localhost"],
  ],
  [
    "an address as a DNS name",
    { dns: ["127.0.0.1", "::1"] },
    [],
    ["127.0.0.1", "::1"],
  ],
  [
    "partial wildcards",
    { dns: ["f*.x.example", "*o.x.example", "l*t"] },
    [],
    ["foo.x.example", "localhost"],
  ],
  [
    "a wildcard",
    { dns: ["*.x.example"] },
    ["a.x.example", "A.X.Example."],
    ["x.example", "a.b.x.example", "a.y.example"],
  ],
  [
    "wildcards that would match every name",
    { dns: ["*", "*.", "*.example", "a.*.example"] },
    [],
    ["localhost", "x.example", "a.b.example"],
  ],
  [
    "capital letters",
    { dns: ["LocalHost"] },
    ["localhost", "LOCALHOST"],
    ["localhos"],
  ],
  [
    "an IPv6 address",
    { addresses: [[...Array<number>(15).fill(0), 1]] },
    ["::1", "0:0::1"],
    ["::2", "localhost"],
  ],
];
for (const [what, says, right, wrong] of names) {
  Deno.test(`a server's certificate with ${what} is only for the names of its entries`, async () => {
    const shown = identity(
      await craft({ issuer: root, usage: MAY_SIGN, purposes: [1], ...says }),
    );
    for (const serverName of right) {
      const { client } = await meet(
        { caCerts: [root.cert], serverName },
        shown,
      );
      assertEquals(client, undefined, serverName);
    }
    for (const serverName of wrong) {
      const { client } = await meet(
        { caCerts: [root.cert], serverName },
        shown,
      );
      assertInstanceOf(client, Deno.errors.InvalidData, serverName);
      assert(client.message.includes("the server's certificate is for "));
    }
  });
}
