/**
 * Checks a port, which may be 0 for listening.
 *
 * @throws {RangeError} It is not an integer from 0 to 65535.
 */
export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(
      `Cannot use the option: port is ${
        show(port)
      }: it must be an integer from 0 to 65535`,
    );
  }
}

/**
 * Checks a number of a vsock address.
 *
 * @throws {RangeError} It is not an integer from 0 to 4294967295.
 */
export function checkVsock(option: "cid" | "port", value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(
      `Cannot use the option: ${option} is ${
        show(value)
      }: it must be an integer from 0 to 4294967295`,
    );
  }
}

/**
 * Checks a hostname: a name, an IPv4 address, or an IPv6 address without
 * brackets.
 *
 * @throws {TypeError} It is none of these.
 */
export function checkHostname(hostname: string): void {
  if (!isHostname(hostname)) {
    throw new TypeError(
      `Cannot use the option: hostname is ${
        show(hostname)
      }: it must be a name, an IPv4 address, or an IPv6 address without brackets`,
    );
  }
}

/** Whether this is a name, or an IP address without brackets. */
export function isHostname(hostname: unknown): boolean {
  return typeof hostname === "string" &&
    (NAME.test(hostname) || IPV6.test(hostname));
}

/**
 * Checks the path of a Unix socket: absolute, relative, or `@` and a name in
 * the abstract namespace.
 *
 * @throws {TypeError} It is not a string, is empty or has a NUL in it.
 */
export function checkPath(path: string): void {
  checkType("path", path, "string");
  if (path === "" || path === "@" || path.includes("\0")) {
    throw new TypeError(
      `Cannot use the option: path is ${
        show(path)
      }: it must have at least one character, and no NUL`,
    );
  }
}

/**
 * Checks a program and its arguments.
 *
 * @throws {TypeError} One is not a string, or has a NUL in it, or the program is
 * empty.
 */
export function checkCommand(command: string, args: readonly string[]): void {
  checkPresent("command", command);
  if (!Array.isArray(args)) {
    throw new TypeError(
      `Cannot use the option: args is ${show(args)}: it must be an array`,
    );
  }
  for (const [index, arg] of args.entries()) {
    checkType(`args[${index}]`, arg, "string");
    if (!arg.includes("\0")) continue;
    throw new TypeError(
      `Cannot use the option: args[${index}] is ${
        show(arg)
      }: it must have no NUL`,
    );
  }
}

/**
 * Checks text that the system takes: not empty, and without a NUL.
 *
 * @throws {TypeError} It is not a string, is empty or has a NUL in it.
 */
export function checkPresent(option: string, value: string): void {
  checkType(option, value, "string");
  if (value !== "" && !value.includes("\0")) return;
  throw new TypeError(
    `Cannot use the option: ${option} is ${
      show(value)
    }: it must have at least one character, and no NUL`,
  );
}

/**
 * Checks the name of a memory transport.
 *
 * @throws {TypeError} It is not a string, or is empty.
 */
export function checkName(name: string): void {
  checkType("name", name, "string");
  if (name === "") {
    throw new TypeError(
      `Cannot use the option: name is "": it must have at least one character`,
    );
  }
}

/**
 * Checks the number of bytes that a buffer may hold.
 *
 * @throws {RangeError} It is not a positive integer.
 */
export function checkHighWaterMark(highWaterMark: number): void {
  if (!Number.isSafeInteger(highWaterMark) || highWaterMark < 1) {
    throw new RangeError(
      `Cannot use the option: highWaterMark is ${
        show(highWaterMark)
      }: it must be a positive integer`,
    );
  }
}

/**
 * Checks that a value is of a type: not every caller is type-checked.
 *
 * @throws {TypeError} It is of another type.
 */
export function checkType(
  option: string,
  value: unknown,
  type: "boolean" | "function" | "string",
): void {
  const actual = typeof value;
  if (actual !== type) {
    throw new TypeError(
      `Cannot use the option: ${option} is ${
        show(value)
      }: it must be a ${type}`,
    );
  }
}

/** The longest that a timer waits. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * Checks how a listener does its handshakes.
 *
 * @throws {TypeError} `onHandshakeError` is not a function.
 * @throws {RangeError} `handshakeTimeout` is out of its range.
 */
export function checkHandshakes(
  { handshakeTimeout = 1, onHandshakeError }: {
    readonly handshakeTimeout?: number | undefined;
    readonly onHandshakeError?: ((error: unknown) => void) | undefined;
  },
): void {
  checkTimeout("handshakeTimeout", handshakeTimeout);
  if (onHandshakeError !== undefined) {
    checkType("onHandshakeError", onHandshakeError, "function");
  }
}

/**
 * Checks how long something may take.
 *
 * @throws {RangeError} It is not a number of milliseconds that a timer can wait.
 */
export function checkTimeout(option: string, value: number): void {
  if (typeof value === "number" && value > 0 && value <= MAX_TIMEOUT) return;
  throw new RangeError(
    `Cannot use the option: ${option} is ${
      show(value)
    }: it must be more than 0 and at most ${MAX_TIMEOUT} ms`,
  );
}

/** Shows a value in a message. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  // An object without a prototype has no text.
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

// deno-lint-ignore no-control-regex
const NAME = /^[^\x00-\x20\x7f[\]/:?#@%\\]+$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]+(%[\w.-]+)?$/i;
