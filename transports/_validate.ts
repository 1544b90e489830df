/**
 * Checks a port; 0 is one, for listening.
 *
 * @throws {RangeError} It is no integer from 0 to 65535.
 */
export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(
      `port is ${port}: it must be an integer from 0 to 65535`,
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
  if (!NAME.test(hostname) && !IPV6.test(hostname)) {
    throw new TypeError(
      `hostname is ${
        JSON.stringify(hostname)
      }: it must be a name, an IPv4 address, or an IPv6 address without brackets`,
    );
  }
}

/**
 * Checks the path of a Unix socket: absolute, relative, or `@` and a name in
 * the abstract namespace.
 *
 * @throws {TypeError} It is empty or has a NUL in it.
 */
export function checkPath(path: string): void {
  if (path === "" || path === "@" || path.includes("\0")) {
    throw new TypeError(
      `path is ${
        JSON.stringify(path)
      }: it must have at least one character, and no NUL`,
    );
  }
}

/**
 * Checks the name of a memory transport.
 *
 * @throws {TypeError} It is empty.
 */
export function checkName(name: string): void {
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
      `highWaterMark is ${highWaterMark}: it must be a positive integer`,
    );
  }
}

// deno-lint-ignore no-control-regex
const NAME = /^[^\x00-\x20\x7f[\]/:?#@%\\]+$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]+(%[\w.-]+)?$/i;
