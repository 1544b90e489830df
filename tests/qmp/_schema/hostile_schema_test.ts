import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  array,
  assert as assertProperty,
  constantFrom,
  property,
  record,
} from "fast-check";
import { ProtocolError } from "../../../protocol/errors.ts";
import { readSchema } from "../../../qmp/_schema/read_schema.ts";
import { typescriptOf } from "../../../qmp/_schema/typescript.ts";
import { Guide } from "../../../qmp/_shell/guide.ts";
import { QMPDialect } from "../../../qmp/_shell/qmp_dialect.ts";
import { inFolder } from "../../support/in_folder.ts";
import { runDeno } from "../../support/program.ts";

const str = { name: "str", "meta-type": "builtin", "json-type": "string" };

function object(name: string, members: object[], more: object = {}) {
  return { name, "meta-type": "object", members, ...more };
}

function alternate(name: string, ...types: string[]) {
  const members = types.map((type) => ({ type }));
  return { name, "meta-type": "alternate", members };
}

function command(name: string, type: string, more: object = {}) {
  return {
    name,
    "meta-type": "command",
    "arg-type": type,
    "ret-type": type,
    ...more,
  };
}

/** Uses a schema as `generate.ts` and the shell do; returns the types. */
function use(answer: unknown): string {
  const infos = readSchema(answer);
  const dialect = new QMPDialect(new Guide(infos));
  dialect.complete("use ");
  dialect.complete("use x.");
  dialect.complete("use x=");
  dialect.read("use x=1");
  dialect.read('use x.x=1 x.y="2"');
  return typescriptOf(infos, "A test.");
}

const malformed: [string, unknown, string][] = [
  ["null", null, "schema is null, expected an array"],
  ["an object", { a: 1 }, 'schema is {"a":1}, expected an array'],
  [
    "a number in it",
    [7],
    "an entry is 7, expected an object with name and meta-type",
  ],
  [
    "an entry without a name",
    [{ "meta-type": "enum" }],
    'an entry is {"meta-type":"enum"}, expected an object with name and meta-type',
  ],
  [
    "a command without types",
    [{ name: "x", "meta-type": "command" }],
    'arg-type of command "x" is missing, expected a string',
  ],
  ["an event whose type is not a string", [{
    name: "X",
    "meta-type": "event",
    "arg-type": 5,
  }], 'arg-type of event "X" is 5, expected a string'],
  [
    "an array of nothing",
    [{ name: "x", "meta-type": "array" }],
    'element-type of array "x" is missing, expected a string',
  ],
  ["an enumeration of numbers", [{
    name: "x",
    "meta-type": "enum",
    values: [1],
  }], 'values of enum "x" is [1], expected an array of strings'],
  [
    "members that are not an array",
    [object("x", 5 as never)],
    'members of object "x" is 5, expected an array of objects with name and type',
  ],
  [
    "a member without a type",
    [object("x", [{ name: "y" }])],
    'members of object "x" is [{"name":"y"}], expected an array of objects with name and type',
  ],
  [
    "variants without cases",
    [object("x", [], { variants: [{ type: "y" }] })],
    'variants of object "x" is [{"type":"y"}], expected an array of objects with case and type',
  ],
  [
    "features that are not strings",
    [{ ...str, features: [{}] }],
    'features of builtin "str" is [{}], expected an array of strings',
  ],
  ["an object that is a variant of itself", [
    object("1", [{ name: "kind", type: "str" }], {
      tag: "kind",
      variants: [{ case: "a", type: "2" }],
    }),
    object("2", [{ name: "kind", type: "str" }], {
      tag: "kind",
      variants: [{ case: "b", type: "1" }, { case: "c", type: "3" }],
    }),
    object("3", [{ name: "x", type: "str" }]),
  ], 'object "1" is a variant of itself, or has one that is'],
  [
    "escape sequences in a name",
    [{ name: "\x1b]0;x\x07\u202e", "meta-type": "event" }],
    'arg-type of event "\\u001b]0;x\\u0007\\u{202e}" is missing, expected a string',
  ],
];

for (const [name, answer, message] of malformed) {
  Deno.test(`a malformed schema is refused with an error that names the problem: ${name}`, () => {
    const error = assertThrows(() => readSchema(answer), ProtocolError);
    assertEquals(error.message, `Cannot read the server's schema: ${message}`);
  });
}

/** Schemas that are circular, or whose types double with each entry. */
const endless: [string, object[]][] = [
  ["40 alternates that double", [
    command("use", "args"),
    object("args", [{ name: "x", type: "0" }]),
    ...Array.from(
      { length: 40 },
      (_, n) => alternate(`${n}`, `${n + 1}`, `${n + 1}`),
    ),
    { ...str, name: "40" },
  ]],
  ["an alternate of itself", [
    command("use", "args"),
    object("args", [{ name: "x", type: "1" }]),
    alternate("1", "1", "str"),
    str,
  ]],
  ["an array of itself", [
    command("use", "args"),
    object("args", [{ name: "x", type: "1" }]),
    { name: "1", "meta-type": "array", "element-type": "1" },
  ]],
  ["an array of 100,000 dimensions", [
    command("use", "args"),
    object("args", [{ name: "x", type: "0" }]),
    ...Array.from(
      { length: 100_000 },
      (_, n) => ({
        name: `${n}`,
        "meta-type": "array",
        "element-type": `${n + 1}`,
      }),
    ),
  ]],
  ["an object within itself", [
    command("use", "args"),
    object("args", [{ name: "x", type: "args" }]),
  ]],
  ["40 objects that double", [
    command("use", "0"),
    ...Array.from(
      { length: 40 },
      (_, n) =>
        object(`${n}`, [{ name: "x", type: `${n + 1}` }, {
          name: "y",
          type: `${n + 1}`,
        }]),
    ),
  ]],
  ["40 variants that double", [
    command("use", "0"),
    ...Array.from(
      { length: 40 },
      (_, n) =>
        object(`${n}`, [{ name: "x", type: "str" }], {
          tag: "x",
          variants: [{ case: "a", type: `${n + 1}` }, {
            case: "b",
            type: `${n + 1}`,
          }],
        }),
    ),
    str,
  ]],
];

for (const [name, answer] of endless) {
  Deno.test(`a hostile schema has types and completions: ${name}`, () => {
    assertMatch(use(answer), /^ {4}use: \{ arguments: /m);
    const dialect = new QMPDialect(new Guide(readSchema(answer)));
    assertEquals(dialect.complete("us"), [["use "], "us"]);
  });
}

/** Schemas of n entries or members with many references among them. */
const large: [string, (n: number) => object[]][] = [
  ["objects within objects", (n) => [
    command("use", "0"),
    ...Array.from(
      { length: n },
      (_, i) => object(`${i}`, [{ name: "inner", type: `${i + 1}` }]),
    ),
  ]],
  ["variants of variants", (n) => [
    command("use", "0"),
    ...Array.from(
      { length: n },
      (_, i) =>
        object(`${i}`, [{ name: "x", type: "str" }], {
          tag: "x",
          variants: [{ case: "1", type: `${i + 1}` }],
        }),
    ),
    str,
  ]],
  ["members of one enumeration", (n) => [
    command("use", "0"),
    object(
      "0",
      Array.from({ length: n }, (_, i) => ({ name: `x${i}`, type: "1" })),
    ),
    {
      name: "1",
      "meta-type": "enum",
      values: Array.from({ length: n }, (_, i) => `v${i}`),
    },
  ]],
  ["members of one alternate", (n) => [
    command("use", "0"),
    object(
      "0",
      Array.from({ length: n }, (_, i) => ({ name: `x${i}`, type: "1" })),
    ),
    alternate("1", ...Array.from({ length: n }, (_, i) => `o${i}`)),
    ...Array.from({ length: n }, (_, i) => object(`o${i}`, [])),
  ]],
  ["an alternate of the same object", (n) => [
    command("use", "0"),
    object("0", [{ name: "x", type: "1" }]),
    alternate("1", ...Array.from({ length: n }, () => "2")),
    object(
      "2",
      Array.from({ length: n }, (_, i) => ({ name: `x${i}`, type: "str" })),
    ),
    str,
  ]],
  ["types with the same name", (n) => [
    ...Array.from(
      { length: n },
      (_, i) => command("-".repeat(i % 50) + `a${"_".repeat(i / 50)}`, `${i}`),
    ),
    ...Array.from(
      { length: n },
      (_, i) => object(`${i}`, [{ name: "x", type: "str" }]),
    ),
    str,
  ]],
  ["names that are long", (n) => [
    command("use", "0"),
    object(
      "0",
      Array.from(
        { length: 1000 },
        (_, i) => ({ name: "x".repeat(n / 100) + i, type: "1" }),
      ),
    ),
    { name: "1", "meta-type": "enum", values: ["a"] },
  ]],
  ["features that look like code", (n) => [
    command("use", "0", { features: Array.from({ length: n }, () => "{\n") }),
    object("0", [], {}),
  ]],
];

for (const [name, make] of large) {
  Deno.test(`the length of the types is linear in the schema: ${name}`, () => {
    const ratio = (n: number) => {
      const answer = make(n);
      return use(answer).length / JSON.stringify(answer).length;
    };
    const [small, big] = [ratio(1000), ratio(20_000)];
    console.log(
      `bytes of types a byte of schema: ${small.toFixed(2)}, ${big.toFixed(2)}`,
    );
    assert(big < 1.5 * small + 1, `${small}, then ${big}`);
  });
}

/** Names and texts that would be code if they were not escaped. */
const odd = [
  ..."constructor|__proto__|prototype|toString|hasOwnProperty|new|get|readonly|async|class"
    .split("|"),
  ..."Schema|Integer|Other|Record|string|any|never|Array|Object".split("|"),
  ...[
    "",
    " ",
    "5",
    "5a",
    "-",
    "a-b",
    "a.b",
    "ä",
    "💥",
    "\0",
    "\n",
    "\r",
    "\u2028",
    "\x1b[31m",
    "\ud800",
  ],
  ...[
    "*/",
    "*/ }; import 'x'; /*",
    "/*",
    "//",
    "`",
    "${x}",
    '"',
    "'",
    "\\",
    '\\"',
    "};",
    "})",
    "({",
    "<x>",
    "@ts-ignore",
  ],
  "a: any }; export const evil = console.log('evil'); interface X { b",
  "*/ export const evil = 1; /**",
];

const anyName = constantFrom(...odd);
const typeName = constantFrom(...odd.slice(0, 12));
const anyInfo = record({
  name: anyName,
  "meta-type": constantFrom(
    "command",
    "event",
    "builtin",
    "array",
    "enum",
    "alternate",
    "object",
    ...odd,
  ),
  features: array(anyName, { maxLength: 3 }),
  "arg-type": typeName,
  "ret-type": typeName,
  "json-type": anyName,
  "element-type": typeName,
  values: array(anyName),
  members: array(
    record({
      name: anyName,
      type: typeName,
      features: array(anyName, { maxLength: 2 }),
    }),
  ),
  tag: anyName,
  variants: array(record({ case: anyName, type: typeName }), { maxLength: 4 }),
});

/** The declarations without comments and string literals: only types are left. */
const TYPES_ALONE =
  /^(export (interface|type) \w+( =)?|[\w$]+(\[\])*|[\s{}()|&:;<>?,])*$/;

Deno.test("the generated code has only types, whatever names a schema has", () => {
  assertProperty(
    property(array(anyInfo, { maxLength: 12 }), anyName, (infos, source) => {
      let text;
      try {
        text = typescriptOf(readSchema(infos), source);
      } catch (error) {
        assert(error instanceof ProtocolError, String(error));
        return;
      }
      const bare = text.replace(
        /\/\*\*[^]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"/g,
        "",
      );
      for (const line of bare.split("\n")) assertMatch(line, TYPES_ALONE);
      assertMatch(text, /^(\n|\P{C})*$/u);
    }),
    { numRuns: 300 },
  );
});

Deno.test("types for names that are not identifiers, or are special, are valid TypeScript", async () => {
  const types = odd.map((name, n) => [
    command(name, `o${n}`, { features: [name] }),
    {
      name: `${name}_E`,
      "meta-type": "event",
      "arg-type": `o${n}`,
      features: [name, "deprecated"],
    },
    object(`o${n}`, [
      ...odd.map((name, i) => ({ name, type: `o${i}`, features: [name] })),
      ...odd.map((name) => ({
        name: `${name}1`,
        type: `b${n}`,
        default: null,
      })),
      { name, type: `e${n}` },
      { name: `${name}2`, type: `a${n}` },
    ], {
      tag: name,
      variants: [{ case: name, type: `v${n}` }],
      features: [name],
    }),
    object(`v${n}`, [{ name: `${name}3`, type: "str" }]),
    { name: `b${n}`, "meta-type": "builtin", "json-type": name },
    { name: `e${n}`, "meta-type": "enum", values: odd },
    alternate(`a${n}`, `a${n}`, `o${n}`, `e${n}`, `b${n}`),
  ]).flat();
  await inFolder(async (folder) => {
    const text = typescriptOf(
      readSchema([...types, str]),
      "*/ let evil = 1; /*",
    );
    await Deno.writeTextFile(`${folder}/schema.ts`, text);
    const { code, stderr } = await runDeno(["check", `${folder}/schema.ts`]);
    assertEquals(code, 0, stderr);
    // Types leave no code: the module has no exports, and runs nothing.
    const module = await import(`file://${folder}/schema.ts`);
    assertEquals(Object.keys(module), []);
  });
});
