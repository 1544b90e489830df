/**
 * Checks a port, which may be 0 for listening.
 *
 * @throws {TypeError} It is not a number.
 * @throws {RangeError} It is not an integer from 0 to 65535.
 */
export function checkPort(port: number): void {
  checkInteger("port", port, 65_535);
}

/**
 * Checks a number of a vsock address.
 *
 * @throws {TypeError} It is not a number.
 * @throws {RangeError} It is not an integer from 0 to 4294967295.
 */
export function checkVsock(option: "cid" | "port", value: number): void {
  checkInteger(option, value, 0xffffffff);
}

function checkInteger(option: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw wrongNumber(option, value, `an integer from 0 to ${max}`);
}

/**
 * Checks a hostname: a name, an IPv4 address, or an IPv6 address without
 * brackets.
 *
 * @throws {TypeError} It is none of these.
 */
export function checkHostname(hostname: string): void {
  if (isHostname(hostname)) return;
  const wanted = "a name, an IPv4 address, or an IPv6 address without brackets";
  throw wrongOption("hostname", hostname, `be ${wanted}`);
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
    throw wrongOption("path", path, PRESENT);
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
  if (!Array.isArray(args)) throw wrongOption("args", args, "be an array");
  for (const [index, arg] of args.entries()) {
    checkType(`args[${index}]`, arg, "string");
    if (!arg.includes("\0")) continue;
    throw wrongOption(`args[${index}]`, arg, "have no NUL");
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
  throw wrongOption(option, value, PRESENT);
}

/**
 * Checks the name of a memory transport.
 *
 * @throws {TypeError} It is not a string, or is empty.
 */
export function checkName(name: string): void {
  checkType("name", name, "string");
  if (name === "") {
    throw wrongOption("name", name, "have at least one character");
  }
}

/**
 * Checks the number of bytes that a buffer may hold.
 *
 * @throws {TypeError} It is not a number.
 * @throws {RangeError} It is not a positive integer.
 */
export function checkHighWaterMark(highWaterMark: number): void {
  if (Number.isSafeInteger(highWaterMark) && highWaterMark > 0) return;
  throw wrongNumber("highWaterMark", highWaterMark, "a positive integer");
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
  if (actual !== type) throw wrongOption(option, value, `be a ${type}`);
}

/**
 * Checks how a listener does its handshakes.
 *
 * @throws {TypeError} `onHandshakeError` is not a function, or `handshakeTimeout`
 * is not a number.
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
 * @throws {TypeError} It is not a number.
 * @throws {RangeError} It is not more than 0.
 */
export function checkTimeout(option: string, value: number): void {
  if (typeof value === "number" && value > 0) return;
  throw wrongNumber(option, value, "a number of ms, more than 0");
}

/** The error of an option that must be a number in some range. */
export function wrongNumber(
  option: string,
  value: unknown,
  expected: string,
): TypeError | RangeError {
  const error = wrongOption(option, value, `be ${expected}`);
  return typeof value === "number" ? new RangeError(error.message) : error;
}

/** The error of an option; `expected` goes on behind "it must". */
export function wrongOption(
  option: string,
  value: unknown,
  expected: string,
): TypeError {
  return new TypeError(
    `Cannot use the option: ${option} is ${show(value)}: it must ${expected}`,
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

const PRESENT = "have at least one character, and no NUL";
// deno-lint-ignore no-control-regex
const NAME = /^[^\x00-\x20\x7f[\]/:?#@%\\]+$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]+(%[\w.-]+)?$/i;
