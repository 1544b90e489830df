import { CommandError } from "../command.ts";
import type { QMPGreeting } from "../messages.ts";
import { checkMembers } from "./check_arguments.ts";

/**
 * The capabilities that the arguments of `qmp_capabilities` enable.
 *
 * @throws {CommandError} The arguments are wrong, or the greeting does not offer
 * a capability.
 */
export function agreeOn(
  { QMP: { capabilities } }: QMPGreeting,
  args: Record<string, unknown>,
): readonly string[] {
  checkMembers(args, { "enable?": ["str"] });
  const { enable = [] } = args as { enable?: string[] };
  for (const capability of enable) {
    if (capabilities.includes(capability)) continue;
    throw new CommandError(
      "GenericError",
      `Capability '${capability}' is not available`,
    );
  }
  return enable;
}
