import { assertEquals, assertIsError, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Address,
  formatAddress,
  parseAddress,
  parseTransport,
} from "../../transports/mod.ts";

const valid: [string, Address][] = [
  ["tcp://127.0.0.1:4444", tcp("127.0.0.1", 4444)],
  ["tcp://localhost:0", tcp("localhost", 0)],
  ["tcp://[::1]:65535", tcp("::1", 65535)],
  ["tcp://[fe80::1%eth0]:1", tcp("fe80::1%eth0", 1)],
  ["tls://qemu.example:1", { ...tcp("qemu.example", 1), transport: "tls" }],
  ["unix:/run/qmp.sock", { transport: "unix", path: "/run/qmp.sock" }],
  ["unix:qmp.sock", { transport: "unix", path: "qmp.sock" }],
  ["unix:@qmp", { transport: "unix", path: "@qmp" }],
  ["unix:/a b%20?#\n", { transport: "unix", path: "/a b%20?#\n" }],
  ["memory:demo", { transport: "memory", name: "demo" }],
  ["memory://x:1", { transport: "memory", name: "//x:1" }],
  ["vsock://2:4294967295", { transport: "vsock", cid: 2, port: 4294967295 }],
  ["stdio:cat", { transport: "stdio", command: "cat", args: [] }],
  ["stdio:deno run -A x.ts", {
    transport: "stdio",
    command: "deno",
    args: ["run", "-A", "x.ts"],
  }],
  [`stdio:sh -c "echo \\"it's\\"" ""`, {
    transport: "stdio",
    command: "sh",
    args: ["-c", `echo "it's"`, ""],
  }],
];

for (const [text, address] of valid) {
  Deno.test(`parseAddress() reads ${JSON.stringify(text)}, and formatAddress() writes it`, () => {
    assertEquals(parseAddress(text), address);
    assertEquals(formatAddress(address), text);
  });
  Deno.test(`parseTransport() returns the transport at ${JSON.stringify(text)}`, () => {
    assertEquals(parseTransport(text).toString(), text);
  });
}

const decoded: [string, Address][] = [
  ["tcp://127.0.0.1:4444", tcp("127.0.0.1", 4444)],
  ["tls://[::1]:0", { ...tcp("::1", 0), transport: "tls" }],
  ["unix:/tmp/a%20b%25", { transport: "unix", path: "/tmp/a b%" }],
  ["unix:///tmp/ü", { transport: "unix", path: "/tmp/ü" }],
  ["unix:relative/path", { transport: "unix", path: "relative/path" }],
  ["unix:@qmp", { transport: "unix", path: "@qmp" }],
  ["memory:a%3Fb", { transport: "memory", name: "a?b" }],
  ["vsock://2:1024", { transport: "vsock", cid: 2, port: 1024 }],
  ["stdio:sh%20-c%20'a%20b'", {
    transport: "stdio",
    command: "sh",
    args: ["-c", "a b"],
  }],
];

Deno.test("parseAddress() reads single quotes, double quotes and parts of a word side by side", () => {
  for (
    const [text, words] of [
      ["stdio:  a\tb\n c ", ["a", "b", "c"]],
      ["stdio:'a b' c", ["a b", "c"]],
      [`stdio:--name='a b'"\\n"c`, ["--name=a b\nc"]],
      ["stdio:C:\\bin\\x.exe", ["C:\\bin\\x.exe"]],
      [`stdio:x '"' "'"`, ["x", '"', "'"]],
    ] as [string, string[]][]
  ) {
    const [command, ...args] = words;
    assertEquals(
      parseAddress(text),
      { transport: "stdio", command, args } as Address,
    );
  }
});

for (const [url, address] of decoded) {
  Deno.test(`parseAddress() decodes the URL ${url}`, () => {
    assertEquals(parseAddress(new URL(url)), address);
  });
}

const malformed: [
  string | URL,
  typeof TypeError | typeof RangeError,
  string,
][] = [
  ["", TypeError, 'address is ""'],
  ["stdio:", TypeError, 'address is "stdio:"'],
  ["stdio:  ", TypeError, 'address is "stdio:  "'],
  ["stdio:''", TypeError, 'command is ""'],
  ["stdio:\0", TypeError, 'command is "\\u0000"'],
  ["stdio:a b\0", TypeError, 'args[0] is "b\\u0000"'],
  ["stdio:a 'b", TypeError, 'address is "stdio:a \'b"'],
  ['stdio:a "b', TypeError, "address is"],
  ['stdio:a "\\x"', TypeError, "address is"],
  ["/run/qmp.sock", TypeError, 'address is "/run/qmp.sock"'],
  ["localhost:4444", TypeError, 'address is "localhost:4444"'],
  ["http://localhost:1", TypeError, 'address is "http://localhost:1"'],
  ["TCP://localhost:1", TypeError, 'address is "TCP://localhost:1"'],
  ["tcp:localhost:1", TypeError, 'address is "tcp:localhost:1"'],
  ["tcp://localhost", TypeError, 'address is "tcp://localhost"'],
  ["tcp://localhost:", TypeError, 'address is "tcp://localhost:"'],
  ["tcp://localhost:http", TypeError, 'address is "tcp://localhost:http"'],
  ["tcp://localhost:0x10", TypeError, 'address is "tcp://localhost:0x10"'],
  ["tcp://localhost:1/", TypeError, 'address is "tcp://localhost:1/"'],
  ["tcp://::1:1", TypeError, 'address is "tcp://::1:1"'],
  ["tcp://[localhost]:1", TypeError, 'address is "tcp://[localhost]:1"'],
  ["tcp://[::1]", TypeError, 'address is "tcp://[::1]"'],
  ["tcp://[::g]:1", TypeError, 'hostname is "::g"'],
  ["tcp://:1", TypeError, 'hostname is ""'],
  ["tcp://a b:1", TypeError, 'hostname is "a b"'],
  ["tcp://user@host:1", TypeError, 'hostname is "user@host"'],
  ["tls://localhost:65536", RangeError, "port is 65536"],
  ["tcp://localhost:-1", RangeError, "port is -1"],
  ["tcp://localhost:1.5", RangeError, "port is 1.5"],
  ["unix:", TypeError, 'path is ""'],
  ["unix:@", TypeError, 'path is "@"'],
  ["unix:/a\0b", TypeError, 'path is "/a\\u0000b"'],
  ["memory:", TypeError, 'name is ""'],
  ["vsock:2:1", TypeError, 'address is "vsock:2:1"'],
  ["vsock://2", TypeError, 'address is "vsock://2"'],
  ["vsock://host:1", TypeError, 'address is "vsock://host:1"'],
  ["vsock://-1:1", TypeError, 'address is "vsock://-1:1"'],
  ["vsock://4294967296:1", RangeError, "cid is 4294967296"],
  ["vsock://2:4294967296", RangeError, "port is 4294967296"],
  [new URL("unix:/a?b"), TypeError, 'address is "unix:/a?b"'],
  [new URL("unix:/a#b"), TypeError, 'address is "unix:/a#b"'],
  [new URL("unix://host/a"), TypeError, 'address is "unix://host/a"'],
  [new URL("unix:/%ff"), TypeError, 'address is "unix:/%ff"'],
  [new URL("tcp://host:1/a"), TypeError, 'address is "tcp://host:1/a"'],
  [new URL("file:///a"), TypeError, 'address is "file:/a"'],
];

for (const [address, ErrorClass, message] of malformed) {
  const kind = address instanceof URL ? "the URL " : "";
  Deno.test(`parseAddress() and parseTransport() refuse ${kind}${JSON.stringify(address)}`, () => {
    for (const parse of [parseAddress, parseTransport]) {
      assertIsError(assertThrows(() => parse(address)), ErrorClass, message);
    }
  });
}

Deno.test("parseAddress() reads any address that formatAddress() writes", () => {
  const port = fc.integer({ min: 0, max: 65535 });
  const hostname = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
  const text = fc.string({ minLength: 1, unit: "binary" });
  const address: fc.Arbitrary<Address> = fc.oneof(
    fc.record({
      transport: fc.constantFrom("tcp" as const, "tls" as const),
      hostname,
      port,
    }),
    fc.record({
      transport: fc.constant("unix" as const),
      path: text.filter((path) => path !== "@" && !path.includes("\0")),
    }),
    fc.record({ transport: fc.constant("memory" as const), name: text }),
    fc.record({
      transport: fc.constant("vsock" as const),
      cid: fc.integer({ min: 0, max: 0xffffffff }),
      port: fc.integer({ min: 0, max: 0xffffffff }),
    }),
    fc.record({
      transport: fc.constant("stdio" as const),
      command: text.filter((command) => !command.includes("\0")),
      args: fc.array(
        fc.string({ unit: "binary" }).filter((arg) => !arg.includes("\0")),
      ),
    }),
  );
  fc.assert(
    fc.property(address, (address) => {
      assertEquals(parseAddress(formatAddress(address)), address);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("parseTransport() returns a transport that connects to the address", async () => {
  const folder = await Deno.makeTempDir();
  const addresses = [
    "tcp://127.0.0.1:0",
    "tcp://[::1]:0",
    `unix:${folder}/a b`,
  ];
  for (const address of addresses) {
    await using listener = await parseTransport(address).listen();
    const url = new URL(formatAddress(listener.address));
    await using near = await parseTransport(url).connect();
    assertEquals(near.remoteAddress, listener.address);
    await using _far = await listener.accept();
  }
  await Deno.remove(folder);
});

Deno.test("parseAddress() reads any address back unchanged, or refuses it with an error that names an option", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.stringMatching(
      /^(tcp|tls|unix|memory|stdio):(\/\/)?[[\]:.@%a-f0-9/ '"\\-]*$/,
    ),
  );
  fc.assert(
    fc.property(text, (text) => {
      let address;
      try {
        address = parseAddress(text);
      } catch (error) {
        assertIsError(
          error,
          Error,
          /^Cannot use the (argument|option): (address|hostname|port|path|name|command|args\[\d+\]) is /,
        );
        return;
      }
      assertEquals(parseAddress(formatAddress(address)), address);
    }),
    { numRuns: 5000 },
  );
});

function tcp(hostname: string, port: number) {
  return { transport: "tcp", hostname, port } as const;
}
