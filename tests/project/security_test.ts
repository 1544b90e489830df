import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import {
  type Codec,
  contentLength,
  delimited,
  jsonValues,
  lines,
  MessageTooLargeError,
  ReadBuffer,
} from "../../protocol/mod.ts";
import { qmpCodec } from "../../qmp/_wire/client_codec.ts";
import { parseTransport, tls, type Transport } from "../../transports/mod.ts";
import { freePort } from "../support/servers/free_port.ts";
import { inFolder } from "../support/in_folder.ts";
import { certificates } from "../support/transports/certificates.ts";
import { runWithFlags } from "../support/permissions.ts";

const { ca, server } = await certificates();
const text = await Deno.readTextFile(
  new URL("../../SECURITY.md", import.meta.url),
);

/** The rows of the table: the action, the address, and the flags. */
const rows = [...text.matchAll(
  /^\| (connect to|listen at) `(.*?)` *\| (?:none|`(.*?)`) *\|$/gm,
)].map(([, act = "", address = "", flags = ""]) => ({
  act,
  address,
  flags: flags.split(" ").filter((flag) => flag !== ""),
}));

function code(act: string, address: string): string {
  const transport = address.startsWith("tls:")
    ? `tls(${
      JSON.stringify({
        port: Number(address.split(":").at(-1)),
        ...act === "listen at" ? server : { caCerts: [ca] },
      })
    })`
    : `parseTransport(${JSON.stringify(address)})`;
  // A memory transport connects only to its own listener.
  const connect = address.startsWith("memory:")
    ? "await transport.listen(); await (await transport.connect()).close();"
    : "await (await transport.connect()).close();";
  return `
    import { parseTransport, tls } from "./transports/mod.ts";
    const transport = ${transport};
    ${
    act === "listen at" ? "await (await transport.listen()).close();" : connect
  }
    Deno.exit();`;
}

function transportAt(address: string): Transport {
  return address.startsWith("tls:")
    ? tls({ port: Number(address.split(":").at(-1)), ...server })
    : parseTransport(address);
}

Deno.test("the table of permissions names every stable transport, connecting and listening", () => {
  const kinds = rows.map(({ act, address }) =>
    `${act} ${address.replace(/:(@?).*/, ":$1")}`
  );
  const both = ["memory:", "tcp:", "tls:", "ws:", "unix:", "unix:@"];
  const all = both.flatMap((
    kind,
  ) => [`connect to ${kind}`, `listen at ${kind}`]);
  assertEquals(kinds, [...all, "connect to stdio:"]);
});

for (const { act, address, flags } of rows) {
  Deno.test(`${act} ${address} needs exactly these flags: ${flags.join(" ") || "none"}`, () =>
    inFolder(async (folder) => {
      const port = String(freePort());
      const name = `@${crypto.randomUUID()}`;
      const here = (text: string) =>
        text.replaceAll("4444", port).replaceAll("/run/vm", folder)
          .replaceAll("@name", name);
      const serves = act === "connect to" && !/^(memory|stdio):/.test(address);
      await using _listener = serves
        ? await transportAt(here(address)).listen()
        : undefined;
      const program = code(act, here(address));
      const given = flags.map(here);
      assertEquals(await runWithFlags(program, given), "");
      for (const flag of given) {
        const fewer = given.filter((other) => other !== flag);
        const error = await runWithFlags(program, fewer);
        assertStringIncludes(error, "NotCapable", `without ${flag}`);
        assertStringIncludes(error, flag);
      }
    }));
}

/** A codec's limit for an endless message. */
function limitOf(codec: Codec<unknown, never>): number {
  const input = new ReadBuffer();
  const bytes = new Uint8Array(64 * 1024).fill(0x78);
  input.append(new TextEncoder().encode('{"'));
  for (;;) {
    try {
      codec.decode(input);
      input.append(bytes);
    } catch (error) {
      assertInstanceOf(error, MessageTooLargeError);
      return error.limit;
    }
  }
}

Deno.test("the limits of messages are as documented", () => {
  const limit = (what: string) => {
    const row = new RegExp(`^\\| ${what} *\\| (\\d+) (KiB|MiB)`, "m").exec(
      text,
    );
    assert(row, what);
    return Number(row[1]) * (row[2] === "KiB" ? 2 ** 10 : 2 ** 20);
  };
  assertEquals(limitOf(lines()), limit("one message"));
  assertEquals(limitOf(jsonValues()), limit("one message"));
  assertEquals(limitOf(delimited("\0")), limit("one message"));
  assertEquals(limitOf(contentLength()), limit("headers before a message"));
  const ending = () => {};
  assertEquals(
    limitOf(qmpCodec({ maxMessageBytes: undefined, ending })),
    limit("one QMP message"),
  );
});
