import {
  checkHandshakes,
  checkType,
  isHostname,
  wrongOption,
} from "../_util/validate.ts";
import type { SideOptions } from "./secure.ts";

/**
 * Checks the form of options that both sides or one side have. No message shows
 * a key.
 *
 * @throws {TypeError} An option has the wrong type or form.
 * @throws {RangeError} A number is out of its range.
 */
export function checkTlsOptions(options: SideOptions): void {
  const { cert, key } = options;
  if (options.serverName !== undefined && !isHostname(options.serverName)) {
    const expected = "be a name or an IP address";
    throw wrongOption("serverName", options.serverName, expected);
  }
  checkPem("caCerts", options.caCerts, "CERTIFICATE");
  checkPem("clientCaCerts", options.clientCaCerts, "CERTIFICATE");
  checkPem("cert", cert, "CERTIFICATE");
  checkPem("key", key, "PRIVATE KEY");
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined
      ? ["key", "cert"]
      : ["cert", "key"];
    const expected = `be given, because ${given} is`;
    throw wrongOption(missing, undefined, expected);
  }
  const { alpnProtocols = [], certificates } = options;
  if (!Array.isArray(alpnProtocols)) {
    throw wrongOption("alpnProtocols", alpnProtocols, "be an array");
  }
  for (const [index, protocol] of alpnProtocols.entries()) {
    const option = `alpnProtocols[${index}]`;
    checkType(option, protocol, "string");
    // RFC 7301 §3.1: a length in one byte, which is not 0.
    const { length } = new TextEncoder().encode(protocol);
    if (length === 0 || length > 255) {
      throw wrongOption(option, protocol, "have 1 to 255 bytes");
    }
  }
  if (certificates !== undefined) {
    checkType("certificates", certificates, "function");
  }
  checkHandshakes(options);
}

/** Deno ignores a text that is not PEM. */
function checkPem(
  name: string,
  pem: string | readonly string[] | undefined,
  label: string,
): void {
  if (pem instanceof Array && pem.length === 0) {
    throw new TypeError(
      `Cannot use the option: ${name} is []: it must have at least one certificate`,
    );
  }
  const texts = pem instanceof Array ? [...pem.entries()] : [[, pem]];
  for (const [index, text] of texts) {
    if (text === undefined || BEGIN(label).test(String(text))) continue;
    throw new TypeError(
      `Cannot use the option: ${name}${
        index === undefined ? "" : `[${index}]`
      } is not PEM of a ${label.toLowerCase()}`,
    );
  }
}

const BEGIN = (label: string) =>
  new RegExp(`-----BEGIN (?:\\w+ )?${label}-----`);
