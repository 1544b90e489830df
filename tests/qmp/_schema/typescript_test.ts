import { assertEquals, assertStringIncludes } from "@std/assert";
import { QMPClient, QMPServer } from "../../../qmp/mod.ts";
import type { SchemaInfo } from "../../../qmp/_schema/schema_info.ts";
import { memory } from "../../../transports/mod.ts";
import { typesOf } from "../../support/qmp/generated_types.ts";

const str = { name: "str", "meta-type": "builtin", "json-type": "string" };

const int = { name: "int", "meta-type": "builtin", "json-type": "int" };

const nothing = { name: "0", "meta-type": "object", members: [] };

const colour = {
  name: "1",
  "meta-type": "enum",
  members: [{ name: "red" }, { name: "dark-blue" }],
  values: ["red", "dark-blue"],
};

/** A command with these types, and more members of its description. */
function command(name: string, args: string, result: string, more = {}) {
  return {
    name,
    "meta-type": "command",
    "arg-type": args,
    "ret-type": result,
    ...more,
  };
}

const cases: [string, object[], string][] = [
  [
    "a command without arguments and results",
    [command("stop", "0", "0"), nothing],
    `export interface Schema {
  commands: {
    stop: { arguments: Record<string, never>; returns: Record<string, unknown> };
  };
  events: {
  };
}
`,
  ],
  [
    "an enumeration is closed in arguments and open in results",
    [
      command("paint", "2", "[2]", { "allow-oob": true }),
      {
        name: "2",
        "meta-type": "object",
        members: [
          { name: "colour", type: "1" },
          { name: "other-colours", type: "[1]", default: null },
        ],
      },
      { name: "[1]", "meta-type": "array", "element-type": "1" },
      { name: "[2]", "meta-type": "array", "element-type": "2" },
      colour,
    ],
    `export interface Schema {
  commands: {
    /**
     * It may be executed out of band.
     */
    paint: { arguments: PaintArguments; returns: PaintResult[] };
  };
  events: {
  };
}

export interface PaintArguments {
  colour: PaintArgumentsColour;
  "other-colours"?: readonly PaintArgumentsColour[];
}

export interface PaintResult {
  colour: PaintArgumentsColour | Other;
  "other-colours"?: (PaintArgumentsColour | Other)[];
}

export type PaintArgumentsColour = "red" | "dark-blue";
`,
  ],
  [
    "an enumeration of a server before QEMU 6.2 has only values",
    [
      { name: "PAINTED", "meta-type": "event", "arg-type": "2" },
      { name: "DRY", "meta-type": "event", "arg-type": "0" },
      {
        name: "2",
        "meta-type": "object",
        members: [{ name: "colour", type: "1" }],
      },
      { name: "1", "meta-type": "enum", values: ["red"] },
      nothing,
    ],
    `export interface Schema {
  commands: {
  };
  events: {
    DRY: undefined;
    PAINTED: PaintedData;
  };
}

export interface PaintedData {
  colour: PaintedDataColour | Other;
}

export type PaintedDataColour = "red";
`,
  ],
  [
    "variants, alternates, features, and an object within itself",
    [
      command("draw", "2", "int", { features: ["unstable", "deprecated"] }),
      {
        name: "2",
        "meta-type": "object",
        members: [
          { name: "kind", type: "3" },
          { name: "under", type: "4", default: null },
          { name: "size", type: "num", features: ["deprecated"] },
        ],
        tag: "kind",
        variants: [
          { case: "disc", type: "5" },
          { case: "ball", type: "5" },
          { case: "void", type: "0" },
        ],
      },
      {
        name: "3",
        "meta-type": "enum",
        members: ["disc", "ball", "void", "dot"].map((name) => ({ name })),
      },
      {
        name: "4",
        "meta-type": "alternate",
        members: [{ type: "2" }, { type: "str" }, { type: "null" }],
      },
      {
        name: "5",
        "meta-type": "object",
        members: [
          { name: "radius", type: "int" },
          { name: "lining", type: "6" },
        ],
      },
      { name: "6", "meta-type": "what is not known yet" },
      { name: "num", "meta-type": "builtin", "json-type": "number" },
      { name: "null", "meta-type": "builtin", "json-type": "null" },
      ...[str, int, nothing],
    ],
    `export interface Schema {
  commands: {
    /**
     * Features: unstable.
     *
     * @deprecated It may be gone in a later version of the server.
     */
    draw: { arguments: DrawArguments; returns: Integer };
  };
  events: {
  };
}

export type DrawArguments = {
  under?: DrawArgumentsUnder;
  /**
   * @deprecated It may be gone in a later version of the server.
   */
  size: number | bigint;
} & (
  | ({ kind: "disc" | "ball" } & DrawArgumentsDisc)
  | ({ kind: "void" })
  | ({ kind: "dot" })
);

export type DrawArgumentsUnder = DrawArguments | string | null;

export interface DrawArgumentsDisc {
  radius: Integer;
  lining: unknown;
}
`,
  ],
];

for (const [name, infos, expected] of cases) {
  Deno.test(`types of a schema: ${name}`, () => {
    assertEquals(typesOf(infos as SchemaInfo[]), expected);
  });
}

Deno.test("types whose names would be the same get different names", () => {
  const object = (name: string, member: string) => ({
    name,
    "meta-type": "object",
    members: [{ name: member, type: "str" }],
  });
  const text = typesOf([
    command("a-b", "2", "0"),
    command("a_b", "3", "0"),
    ...[object("2", "one"), object("3", "two"), str, nothing],
  ] as SchemaInfo[]);
  assertStringIncludes(text, "export interface ABArguments {\n  one: string;");
  assertStringIncludes(text, "export interface ABArguments2 {\n  two: string;");
  assertStringIncludes(text, "a_b: { arguments: ABArguments2;");
});

Deno.test("the schema of a QMPServer has types", async () => {
  await using server = new QMPServer({
    commands: {
      grow: {
        run: ({ size }) => ({ size }),
        arguments: { size: "int", "by?": ["str"] },
        returns: { size: "int" },
      },
    },
    events: { GROWN: { size: "int", "at?": "str" } },
  });
  const transport = memory();
  server.serve(await transport.listen());
  await using client = new QMPClient();
  await client.connect(transport);
  const infos = await client.execute("query-qmp-schema") as SchemaInfo[];
  const text = typesOf(infos);
  assertStringIncludes(
    text,
    "grow: { arguments: GrowArguments; returns: GrowResult };",
  );
  assertStringIncludes(
    text,
    "GrowArguments {\n  size: Integer;\n  by?: readonly string[];\n}",
  );
  assertStringIncludes(text, "GROWN: GrownData;");
});
