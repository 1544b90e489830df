/**
 * Checks a port; 0 is one, for listening.
 *
 * @throws {RangeError} It is no integer from 0 to 65535.
 */
export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(
      `port is ${show(port)}: it must be an integer from 0 to 65535`,
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
      `${option} is ${show(value)}: it must be an integer from 0 to 4294967295`,
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
      `hostname is ${
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
 * @throws {TypeError} It is no text, is empty or has a NUL in it.
 */
export function checkPath(path: string): void {
  checkType("path", path, "string");
  if (path === "" || path === "@" || path.includes("\0")) {
    throw new TypeError(
      `path is ${show(path)}: it must have at least one character, and no NUL`,
    );
  }
}

/**
 * Checks the name of a memory transport.
 *
 * @throws {TypeError} It is no text, or empty.
 */
export function checkName(name: string): void {
  checkType("name", name, "string");
  if (name === "") {
    throw new TypeError(`name is "": it must have at least one character`);
  }
}

/**
 * Checks a number of bytes that a buffer may hold.
 *
 * @throws {RangeError} It is no positive integer.
 */
export function checkHighWaterMark(highWaterMark: number): void {
  if (!Number.isSafeInteger(highWaterMark) || highWaterMark < 1) {
    throw new RangeError(
      `highWaterMark is ${show(highWaterMark)}: it must be a positive integer`,
    );
  }
}

/**
 * Checks that a value is of a type, for callers whose types nobody checks.
 *
 * @throws {TypeError} It is of another.
 */
export function checkType(
  option: string,
  value: unknown,
  type: "boolean" | "function" | "string",
): void {
  const actual = typeof value;
  if (actual !== type) {
    throw new TypeError(`${option} is ${show(value)}: it must be a ${type}`);
  }
}

/** A value as messages show it. */
export function show(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : Deno.inspect(value);
}

// deno-lint-ignore no-control-regex
const NAME = /^[^\x00-\x20\x7f[\]/:?#@%\\]+$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]+(%[\w.-]+)?$/i;
