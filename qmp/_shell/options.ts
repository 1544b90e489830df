import { parseTransport } from "../../transports/parse_transport.ts";
import type { Transport } from "../../transports/transport.ts";
import { parseArgs } from "../_deps.ts";

/** The options of the command line. */
export interface ShellOptions {
  readonly address: string;
  readonly transport: Transport;
  readonly command: string | undefined;
  readonly json: boolean;
  readonly pretty: boolean | undefined;
  readonly hmp: boolean;
  readonly agent: boolean;
}

/** A wrong command line of the shell. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads the command line; returns undefined if it asks for help.
 *
 * @throws {UsageError} The command line is wrong.
 */
export function parseOptions(
  args: readonly string[],
): ShellOptions | undefined {
  const parsed = parseArgs(args, {
    boolean: ["agent", "help", "hmp", "json", "pretty"],
    string: ["command", "_"],
    negatable: ["pretty"],
    alias: { c: "command", h: "help", H: "hmp" },
    default: { pretty: undefined },
    unknown: (arg, key) => {
      if (key !== undefined) throw new UsageError(`Unknown option: ${arg}`);
    },
  });
  const { agent, help, hmp, json, pretty, command } = parsed;
  if (help) return undefined;
  if (agent && hmp) {
    throw new UsageError("Cannot use --hmp with --agent: an agent has no HMP");
  }
  const [address, ...more] = parsed._;
  if (typeof address !== "string" || more.length > 0) {
    const { length } = parsed._;
    throw new UsageError(`Cannot connect: ${length} addresses, expected one`);
  }
  return {
    address,
    transport: transportAt(address),
    command: typeof command === "string" ? command : undefined,
    json: json === true,
    pretty: typeof pretty === "boolean" ? pretty : undefined,
    hmp: hmp === true,
    agent: agent === true,
  };
}

function transportAt(address: string): Transport {
  try {
    return parseTransport(address);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(message, { cause });
  }
}
