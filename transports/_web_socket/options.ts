import { checkHandshakes, checkType, wrongOption } from "../_util/validate.ts";
import type { WebSocketOptions } from "../web_socket_options.ts";

/** Options, whole and checked. */
export interface WebSocketSettings {
  readonly url: URL;
  readonly protocols: readonly string[];
  readonly headers: Headers;
  readonly origins: readonly string[];
  readonly messages: boolean;
  readonly handshakeTimeout: number;
  readonly onHandshakeError: ((error: unknown) => void) | undefined;
}

/** A token (RFC 9110 §5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} An option has the wrong type or form.
 * @throws {RangeError} `handshakeTimeout` is out of its range.
 */
export function readOptions(options: WebSocketOptions): WebSocketSettings {
  const {
    protocols = [],
    origins = [],
    messages = false,
    handshakeTimeout = 10_000,
    onHandshakeError,
  } = options;
  const url = readUrl(options.url);
  checkType("messages", messages, "boolean");
  for (const [index, protocol] of protocols.entries()) {
    if (typeof protocol !== "string" || !TOKEN.test(protocol)) {
      throw wrongOption(`protocols[${index}]`, protocol, "be a token of HTTP");
    }
  }
  for (const [index, origin] of origins.entries()) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      const expected = "be an origin, such as https://example.com";
      throw wrongOption(`origins[${index}]`, origin, expected);
    }
  }
  checkHandshakes({ handshakeTimeout, onHandshakeError });
  // Refuses names and values that would end a field.
  const headers = new Headers(options.headers);
  return {
    ...{ url, protocols, headers, origins, messages },
    ...{ handshakeTimeout, onHandshakeError },
  };
}

function readUrl(address: string | URL): URL {
  const url = URL.canParse(String(address)) && new URL(address);
  if (!url || !["ws:", "wss:"].includes(url.protocol) || url.hash !== "") {
    const expected = "be ws://host:port/path or wss://host:port/path";
    throw wrongOption("url", String(address), expected);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(
      "Cannot use the option: url has a user or password: use headers",
    );
  }
  return url;
}
