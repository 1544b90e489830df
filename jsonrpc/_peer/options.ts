import { show } from "../../protocol/_util/show.ts";
import {
  type CancellationDialect,
  type CancellationName,
  dialects,
} from "../cancellation.ts";
import type { Handler } from "./incoming.ts";

/**
 * Checks the order of handlers.
 *
 * @throws {TypeError} It is of another type.
 * @throws {RangeError} It is a number that is not a positive integer.
 */
export function checkOrder(order: unknown): void {
  const isKnown = order === "serial" || order === "parallel" ||
    typeof order === "function" || Number.isInteger(order) && Number(order) > 0;
  if (isKnown) return;
  const message = `Cannot use the option: order is ${
    show(order)
  }: it must be "serial", "parallel", a positive integer or a function`;
  throw typeof order === "number"
    ? new RangeError(message)
    : new TypeError(message);
}

/** The dialect of an option, which is a name or a dialect. */
export function dialectOf(
  cancellation: CancellationName | CancellationDialect | false,
): CancellationDialect | undefined {
  if (cancellation === false) return undefined;
  if (typeof cancellation === "object" && cancellation) return cancellation;
  if (Object.hasOwn(dialects, cancellation)) return dialects[cancellation];
  throw new TypeError(
    `Cannot use the option: cancellation is ${
      show(cancellation)
    }: it must be "lsp", "mcp", "acp", a dialect or false`,
  );
}

/** The handlers by their names, which are data. */
export function handlersOf(methods: object): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>();
  for (const name of namesOf(methods)) {
    const handler: unknown = Reflect.get(methods, name);
    if (handler === undefined) continue;
    if (typeof handler !== "function") {
      throw new TypeError(
        `Cannot use the option: methods has ${JSON.stringify(name)}, which is ${
          show(handler)
        }: it must be a function`,
      );
    }
    handlers.set(name, handler.bind(methods));
  }
  return handlers;
}

/** The names of the members of an object, and of the methods of its classes. */
function namesOf(methods: object): Set<string> {
  const names = new Set<string>();
  for (
    let part = methods;
    part && part !== Object.prototype;
    part = Object.getPrototypeOf(part)
  ) {
    const own = part === methods
      ? Object.keys(part)
      : Object.getOwnPropertyNames(part).filter((name) =>
        typeof Object.getOwnPropertyDescriptor(part, name)?.value === "function"
      );
    for (const name of own) names.add(name);
    if (part !== methods) names.delete("constructor");
  }
  return names;
}
