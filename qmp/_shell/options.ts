import { parseTransport } from "../../transports/parse_transport.ts";
import type { Transport } from "../../transports/transport.ts";
import { parseArgs } from "../_deps.ts";

export const USAGE =
  `Usage: qmp/shell.ts [-c COMMAND] [--json] [--[no-]pretty] [-H] ADDRESS

Talks to a QMP server, such as QEMU, at unix:path, tcp://host:port or
tls://host:port. Without -c, commands are read from the terminal, or line by
line from the standard input up to the first that fails.

  -c, --command COMMAND  execute one command and leave
  -H, --hmp              talk to QEMU's monitor for people instead
      --json             write whole messages, one a line, for scripts
      --[no-]pretty      write results over many lines (default: in a terminal)
  -h, --help             show this

A line is one of these:

  query-status
  device_del id=nic0
  blockdev-add driver=qcow2 node-name=disk file.driver=file file.filename=x
  blockdev-add {"driver": "null-co", "size": 512} node-name=disk
  transaction( ... )     actions within, on lines of their own
  {"execute": "stop"}    any message, such as one with exec-oob
  # a comment

A value is JSON, or else a string; where the server expects a string it is one
without quotes. The command quit ends the server; Ctrl-D ends the shell alone.

Exit code: 0 done, 1 a command failed, 2 wrong usage, 3 no session came about
or it ended too early, 130 Ctrl-C.`;

/** What the command line says. */
export interface ShellOptions {
  readonly address: string;
  readonly transport: Transport;
  readonly command: string | undefined;
  readonly json: boolean;
  readonly pretty: boolean | undefined;
  readonly hmp: boolean;
}

/** A command line that is none of the shell's. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads the command line; nothing where it asks for help.
 *
 * @throws {UsageError} It is wrong.
 */
export function parseOptions(
  args: readonly string[],
): ShellOptions | undefined {
  const parsed = parseArgs(args, {
    boolean: ["help", "hmp", "json", "pretty"],
    string: ["command", "_"],
    negatable: ["pretty"],
    alias: { c: "command", h: "help", H: "hmp" },
    default: { pretty: undefined },
    unknown: (arg, key) => {
      if (key !== undefined) throw new UsageError(`Unknown option: ${arg}`);
    },
  });
  const { help, hmp, json, pretty, command, _: [address, ...more] } = parsed;
  if (help) return undefined;
  if (typeof address !== "string" || more.length > 0) {
    throw new UsageError(`Expected one address, got ${parsed._.length}`);
  }
  return {
    address,
    transport: transportAt(address),
    command: typeof command === "string" ? command : undefined,
    json: json === true,
    pretty: typeof pretty === "boolean" ? pretty : undefined,
    hmp: hmp === true,
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
