/** A runtime that runs the laws, in a folder where the package is installed. */
export interface Runtime {
  readonly name: string;
  /** @param filter Matches the names of the laws to run. */
  readonly command: (filter: string) => readonly string[];
  /** A law in the output, and whether it holds. */
  readonly law: RegExp;
  /** The features that its transports lack. */
  readonly lacks?: Readonly<Record<string, readonly string[]>>;
}

const root = new URL("../../", import.meta.url).pathname;

// docs/runtimes.md lists for users what is lacking.
export const RUNTIMES: readonly Runtime[] = [
  {
    name: "Node",
    command: (filter) => [
      ...["node", "--test-reporter=tap", `--test-name-pattern=/${filter}/`],
      "laws.mjs",
    ],
    law: /^(?:(?<holds>ok)|not ok) \d+ - (?<name>[^#]*)$/,
  },
  {
    name: "Bun",
    command: (filter) => [
      ...["node_modules/.bin/bun", "test", "--timeout", "60000", "-t", filter],
      "./laws.mjs",
    ],
    law: /^(?:(?<holds>\(pass\))|\(fail\)) (?<name>.*) \[.*\]$/,
    lacks: { tls: ["half-close"] },
  },
  {
    name: "Deno",
    command: (filter) => [
      ...[Deno.execPath(), "test", "--allow-all", "--no-check"],
      ...["--config", `${root}deno.json`, "--filter", `/${filter}/`],
      `${root}tests/node/laws.mjs`,
    ],
    law: /^(?<name>.*) \.\.\. (?:(?<holds>ok)|FAILED) \(.*\)$/,
    lacks: { tcp: ["half-close"] },
  },
];

/** Options of `runLaws()`. */
export interface LawsOptions {
  /** Matches the beginning of the laws' names. */
  readonly filter: string;
  readonly certificates: {
    readonly ca: string;
    readonly server: { readonly cert: string; readonly key: string };
  };
  /** The folder that the package is installed in. */
  readonly folder: string;
}

/** Runs laws, and returns the names of those that hold and of those that fail. */
export async function runLaws(
  { command, law, lacks = {} }: Runtime,
  { filter, certificates, folder }: LawsOptions,
): Promise<{ held: string[]; failed: string[]; output: string }> {
  const [program = "", ...args] = command(`^ ?${filter}`);
  const child = new Deno.Command(program, {
    args,
    cwd: folder,
    env: {
      NO_COLOR: "1",
      PARLEY_LAWS: JSON.stringify({ certificates, lacks }),
    },
    signal: AbortSignal.timeout(120_000),
  });
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  const held: string[] = [];
  const failed: string[] = [];
  for (const line of output.split("\n")) {
    const { name, holds } = law.exec(line)?.groups ?? {};
    if (name !== undefined) (holds ? held : failed).push(name);
  }
  return { held, failed, output };
}
