import type { SchemaInfo } from "../../../qmp/_schema/schema_info.ts";
import { typescriptOf } from "../../../qmp/_schema/typescript.ts";
import { type Outcome, runDeno } from "../program.ts";

/** Runs `qmp/generate.ts` to its end. */
export function runGenerate(...args: unknown[]): Promise<Outcome> {
  return runDeno([
    ...["run", "--no-prompt", "--allow-net", "--allow-read", "--allow-write"],
    ...["qmp/generate.ts", ...args.map(String)],
  ]);
}

/** The types of a schema, without the part that is the same for every server. */
export function typesOf(infos: SchemaInfo[]): string {
  const text = typescriptOf(infos, "A test.");
  return text.slice(text.indexOf("export interface Schema"));
}
