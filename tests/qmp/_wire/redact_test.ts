import {
  assert,
  assertEquals,
  assertFalse,
  assertLess,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { redact, redactReply } from "../../../qmp/_wire/redact.ts";
import { mayHaveSecret } from "../../../qmp/_wire/secrets.ts";

const SECRET = "hunter2";

function inspect(value: unknown): string {
  return Deno.inspect(value, { depth: Infinity, strAbbreviateSize: 1e6 });
}

Deno.test("redact() changes nothing but secrets, and copies only if there are some", () => {
  const plain = {
    execute: "blockdev-add",
    arguments: {
      "password-secret": "the id of a secret",
      data: "x",
      value: 1n,
      "command-line": "info status",
      filename: "https://me@example.org:8080/a:b@c?password-secret=sec0",
      list: [1, { data: null }],
      when: new Date(0),
    },
  };
  assertStrictEquals(redact(plain), plain);
  const secret = { id: 1, arguments: { password: SECRET, list: [{}, 2] } };
  assertEquals(redact(secret), {
    id: 1,
    arguments: { password: "<redacted>", list: [{}, 2] },
  });
  assertEquals(secret.arguments.password, SECRET);
  assertEquals(redact([{ passwd: 1 }, 2]), [{ passwd: "<redacted>" }, 2]);
  assertEquals(redact({ "command-line": `change vnc password ${SECRET}` }), {
    "command-line": "change <redacted>",
  });
  assertEquals(redact("text"), "text");
});

const secrets: [string, unknown][] = [
  ["a launch secret of SEV", { "packet-header": "x", secret: SECRET }],
  ["the data of a secret object that is set", {
    execute: "qom-set",
    arguments: { path: "/objects/s", property: "data", value: SECRET },
  }],
  ["the data of a secret object, in a list of properties", {
    return: [{ properties: [{ name: "data", type: "string", value: SECRET }] }],
  }],
  ["a password that is changed", {
    execute: "change",
    arguments: { device: "vnc", target: "password", arg: SECRET },
  }],
  ["a member with a dotted name", { "file.cookie": SECRET }],
  ["a member whose name is in camel case", { userPassword: SECRET }],
  ["a password in a file name of JSON", {
    filename: `json:{"driver":"https","password":"a\\"${SECRET}","x":1}`,
  }],
  ["a password in a file name of JSON within one", {
    file: `json:{"file":"json:{\\"cookie\\": \\"${SECRET}\\"}"}`,
  }],
  ["a secret in the error of a file name", {
    error: { desc: `Could not open 'json:{"cookie":"a=1; b=${SECRET}"}'` },
  }],
  ["a password in a URL", { url: `https://me:${SECRET}@example.org/x` }],
  ["a password with signs in a URL", {
    list: [`copy ftp://me:a:b@${SECRET}@example.org/ https://example.org/`],
  }],
  ["a password in the address of an iSCSI target", {
    filename: `iscsi://me%${SECRET}@example.org/iqn/1`,
  }],
  ["a key in a file name of RBD", {
    filename: `rbd:pool/disk:id=me:key=${SECRET}==:mon_host=example.org`,
  }],
  ["a password in a query", { url: `https://x/?password=${SECRET}&y=1` }],
  ["a password in an environment", { env: [`PGPASSWORD=${SECRET}`] }],
  ["a password in a URL object", { url: new URL(`https://x:${SECRET}@y/`) }],
  ["what an object turns into", { x: { toJSON: () => ({ passwd: SECRET }) } }],
  ["lines of the human monitor", [
    { "command-line": `qom-set /objects/s data ${SECRET}` },
    { "command-line": `drive_add 0 file=https://me:${SECRET}@x/` },
    { "command-line": `object_add secret,id=s,data=${SECRET}` },
  ]],
  [
    "a member that is special to JavaScript",
    JSON.parse(
      `{"__proto__": {"password": "${SECRET}"}, "constructor": {"cookie": "${SECRET}"}}`,
    ),
  ],
];

for (const [name, message] of secrets) {
  Deno.test(`redact() leaves out ${name}`, () => {
    const text = inspect(redact(message));
    assertStringIncludes(text, "<redacted>");
    assertFalse(text.includes(SECRET), text);
  });
}

Deno.test("redactReply() leaves out a result that is a secret by its command", () => {
  const reply = { return: SECRET, id: 7 };
  const get = { path: "/objects/s", property: "data" };
  const line = (text: string) => ({ "command-line": text });
  const redacted = { return: "<redacted>", id: 7 };
  const cases: [object, object][] = [
    [{ execute: "qom-get", arguments: get }, redacted],
    [{ "exec-oob": "qom-get", arguments: get }, redacted],
    [
      { execute: "qom-get", arguments: { ...get, property: "password" } },
      redacted,
    ],
    [{ execute: "qom-get", arguments: { ...get, property: "iv" } }, reply],
    [{ execute: "qom-get" }, reply],
    [{
      execute: "human-monitor-command",
      arguments: line("qom-get /objects/s data"),
    }, redacted],
    [{
      execute: "human-monitor-command",
      arguments: line("info status"),
    }, reply],
  ];
  for (const [command, expected] of cases) {
    assertEquals(redactReply(reply, command), expected, inspect(command));
  }
  assertStrictEquals(redactReply(reply, undefined), reply);
  const refused = { error: { class: "GenericError", desc: "No" }, id: 7 };
  assertStrictEquals(
    redactReply(refused, { execute: "qom-get", arguments: get }),
    refused,
  );
});

/** A value nested in objects or arrays of a given depth. */
function nested(levels: number, value: unknown): unknown {
  for (let n = 0; n < levels; n++) value = n % 2 ? [value] : { a: value };
  return value;
}

Deno.test("redact() visits 100,000 levels, and leaves out the secret in the last", () => {
  const plain = nested(100_000, { a: 1 });
  assertStrictEquals(redact(plain), plain);
  let value = redact(nested(100_000, { password: SECRET }));
  for (let n = 0; n < 100_000; n++) {
    value = Object.values(value as Record<string, unknown>)[0];
  }
  assertEquals(value, { password: "<redacted>" });
});

Deno.test("redact() keeps the shape of a message that contains itself", () => {
  const plain: Record<string, unknown> = { list: [1] };
  plain.self = plain;
  (plain.list as unknown[]).push(plain.list);
  assertStrictEquals(redact(plain), plain);
  const message = { ...plain, password: SECRET, self: {} };
  message.self = message;
  const redacted = redact(message) as typeof message;
  assertEquals(redacted.password, "<redacted>");
  assertStrictEquals(redacted.self, redacted);
});

Deno.test("redact() visits an object on 2^40 paths once", () => {
  let value: unknown = { password: SECRET };
  for (let n = 0; n < 40; n++) value = [value, value];
  assert(Array.isArray(redact(value)));
});

Deno.test("redact() shows that a member cannot be read, and leaves out the secrets beside it", () => {
  const refuse = (): never => {
    throw new Error("Refused");
  };
  const odd: Record<string, unknown> = {
    getter: Object.defineProperty({ b: 1 }, "a", {
      get: refuse,
      enumerable: true,
    }),
    keys: new Proxy({}, { ownKeys: refuse }),
    get: new Proxy({ a: 1 }, { get: refuse }),
    has: new Proxy({ a: 1 }, { has: refuse }),
    array: new Proxy([1, 2], { get: refuse }),
    turned: { toJSON: refuse },
    type: { "qom-type": Object.create(null), property: Symbol("x") },
    name: { name: Object.create(null) },
    line: { "command-line": Object.create(null) },
  };
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  odd.revoked = proxy;
  for (const [name, value] of Object.entries(odd)) {
    const redacted = redact({ value, password: SECRET });
    assertFalse(inspect(redacted).includes(SECRET), name);
    redactReply(value, value);
    redactReply({ return: value }, { execute: "qom-get", arguments: value });
  }
  assertEquals(redact({ value: odd.getter, x: [proxy] }), {
    value: { a: "<unreadable>", b: 1 },
    x: ["<unreadable>"],
  });
});

Deno.test("redact() ends for an endless value", () => {
  let made = 0;
  const endless = (): object =>
    new Proxy({ a: 1, b: 2 }, { get: () => (made++, endless()) });
  const redacted = redact(endless());
  assert(inspect((redacted as { a: unknown }).a).length > 0);
  console.log(`objects looked at: ${made}`);
  assert(made < 8 * 2 ** 20, `${made} objects`);
});

Deno.test("redact() handles huge arrays, dense or sparse", () => {
  const numbers = new Array(1_000_000).fill(7);
  assertStrictEquals(redact(numbers), numbers);
  assertEquals(redact({ a: new Array(2 ** 32 - 1) }), { a: "<left out>" });
  const bytes = { data: new Uint8Array(2 ** 24) };
  assertStrictEquals(redact(bytes), bytes);
});

const floods = [
  "a",
  "\\",
  " ",
  "://",
  "://a:",
  "a:b@",
  "iscsi://a%",
  "rbd::key=",
  "qom-set ",
  "qom-get data ",
  "secret",
  "passwd\\",
  "cookie ",
  "password-secret",
  '"secret"',
];

Deno.test("the search for secrets in a text takes linear time", () => {
  // A second look would square the time: minutes instead of milliseconds.
  for (const part of floods) {
    const text = part.repeat(2 ** 21 / part.length);
    const start = performance.now();
    redact({ text, "command-line": text, [text]: 1 });
    mayHaveSecret(text);
    assertLess(performance.now() - start, 10_000, part);
  }
});

const lines: [string, boolean][] = [
  ["query-status", false],
  ["device_del id=nic0", false],
  ["blockdev-add driver=luks key-secret=sec0 file.password-secret=sec1", false],
  ["blockdev-add driver=https url=https://me@example.org/", false],
  ["qom-set path=/machine property=polling value=5", false],
  [`set_password protocol=vnc password=${SECRET}`, true],
  [`set_password vnc ${SECRET}`, true],
  [`{"execute": "set_password", "arguments": {"password": "x"}}`, true],
  [`object-add qom-type=secret id=s data=${SECRET}`, true],
  [`qom-set path=/objects/s property=data value=${SECRET}`, true],
  [`qom-set /objects/s data ${SECRET}`, true],
  [`sev-inject-launch-secret packet-header=x secret=${SECRET}`, true],
  [`blockdev-add driver=https url=https://me:${SECRET}@example.org/`, true],
  [`blockdev-add driver=https cookie=${SECRET}`, true],
  [`change device=vnc target=password arg=${SECRET}`, true],
];

for (const [line, expected] of lines) {
  const may = expected ? "may" : "cannot";
  Deno.test(`a line that ${may} have a secret: ${line}`, () => {
    assertEquals(mayHaveSecret(line), expected);
  });
}
