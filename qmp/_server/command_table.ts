import { show } from "../../protocol/_util/show.ts";
import {
  type CommandContext,
  type CommandDefinition,
  CommandError,
  type CommandHandler,
} from "../command.ts";
import type { QMPSchema } from "../schema.ts";
import { checkMembers } from "./check_arguments.ts";
import type { CommandRequest } from "./command_request.ts";
import { checkDeclared, checkType } from "./types.ts";

type Definition<S extends QMPSchema> = CommandDefinition<
  Record<string, unknown>,
  unknown,
  S
>;

/** A handler, or a definition that has one. */
type Given<S extends QMPSchema> =
  | CommandHandler<Record<string, unknown>, unknown, S>
  | Definition<S>;

/** The commands of a server. */
export class CommandTable<S extends QMPSchema> {
  readonly #commands = new Map<string, Definition<S>>();
  readonly #fallback: Definition<S> | undefined;

  /**
   * @param commands The commands by name: all own members count.
   * @param fallback The handler of all other commands.
   * @throws {TypeError} A command has no handler, or a type is not a QMP type.
   */
  constructor(commands: object, fallback: Given<S> | undefined) {
    for (const [name, given] of Object.entries(commands)) {
      this.#commands.set(
        name,
        definitionOf(`commands[${JSON.stringify(name)}]`, given),
      );
    }
    this.#fallback = fallback && definitionOf("fallback", fallback);
  }

  get definitions(): ReadonlyMap<string, Definition<S>> {
    return this.#commands;
  }

  /** Whether any command may be executed out of band. */
  get hasOutOfBand(): boolean {
    return this.#fallback?.oob === true ||
      [...this.#commands.values()].some(({ oob }) => oob === true);
  }

  /**
   * Executes a command.
   *
   * @throws {CommandError} The command is refused.
   */
  execute(request: CommandRequest, context: CommandContext<S>): unknown {
    const { command, args, outOfBand } = request;
    const definition = this.#commands.get(command) ?? this.#fallback;
    if (!definition) {
      throw new CommandError(
        "CommandNotFound",
        `The command ${command} has not been found`,
      );
    }
    if (outOfBand && !definition.oob) {
      throw new CommandError(
        "GenericError",
        `The command ${command} does not support OOB`,
      );
    }
    if (definition.arguments) checkMembers(args, definition.arguments);
    return definition.run(args, context);
  }
}

function definitionOf<S extends QMPSchema>(
  option: string,
  given: Given<S>,
): Definition<S> {
  const definition = typeof given === "function" ? { run: given } : given;
  const { run, arguments: args, returns } = Object(definition);
  if (typeof run !== "function") {
    throw new TypeError(
      `Cannot use the option: ${option} is ${
        show(given)
      }: it must be a function, or an object with a function run`,
    );
  }
  if (args !== undefined) checkDeclared(`${option}.arguments`, args);
  if (returns !== undefined) checkType(`${option}.returns`, returns);
  return definition;
}
