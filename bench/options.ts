import { parseArgs } from "@std/cli";
import { refuse, reportErrors } from "../examples/support/command_line.ts";

/** The options of a program that measures. */
export interface Options {
  /** What `--help` prints. */
  readonly help: string;
  /** The options that have a text. */
  readonly texts?: readonly string[];
  /** The options that may be repeated, with a text each. */
  readonly lists?: readonly string[];
  /** How often it measures and for how long, unless it is told otherwise. */
  readonly times: { readonly rounds: number; readonly milliseconds: number };
}

/** What a command line says. */
export interface Chosen {
  readonly texts: Readonly<Record<string, string | undefined>>;
  readonly lists: Readonly<Record<string, readonly string[] | undefined>>;
  readonly rounds: number;
  readonly milliseconds: number;
}

/** Reads the command line. If it is wrong, the program ends with exit code 2. */
export function readOptions(
  { help, texts = [], lists = [], times }: Options,
): Chosen {
  reportErrors();
  const args = parseArgs(Deno.args, {
    boolean: ["help"],
    string: [...texts, ...lists, ...Object.keys(times)],
    collect: lists,
    unknown: (argument) =>
      refuse(`Cannot use the arguments: ${argument} is unknown: see --help`),
  });
  if (args.help) {
    console.log(help);
    Deno.exit();
  }
  const count = (name: keyof typeof times) => {
    const value = Number(args[name] ?? times[name]);
    if (Number.isInteger(value) && value > 0) return value;
    refuse(
      `Cannot use the option: ${name} is ${
        args[name]
      }: it must be an integer from 1`,
    );
  };
  return {
    texts: args as Chosen["texts"],
    lists: args as Chosen["lists"],
    rounds: count("rounds"),
    milliseconds: count("milliseconds"),
  };
}

/**
 * The row, wire or side that an option names. If the name is unknown, the program
 * ends with exit code 2.
 */
export function checkName<T extends { readonly name: string }>(
  option: string,
  value: string | undefined,
  all: readonly T[],
): T {
  const names = all.map(({ name }) => name).join(", ");
  return all.find(({ name }) => name === value) ?? refuse(
    `Cannot use the option: ${option} is ${value}: it must be one of ${names}`,
  );
}
