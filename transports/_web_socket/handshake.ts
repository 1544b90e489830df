import type { Connection } from "../transport.ts";
import { type HttpHead, HttpHeadError, readHead } from "./http_head.ts";

/** What both ends have agreed on. */
export interface Agreement {
  /** The subprotocol; empty if there is none. */
  readonly protocol: string;
  /** The first bytes behind the handshake. */
  readonly initial: Uint8Array;
}

/** What a client asks for. */
export interface ClientHandshake {
  /** The host and port, as the Host field has them. */
  readonly host: string;
  /** The path and query. */
  readonly target: string;
  readonly protocols: readonly string[];
  readonly headers: Headers;
}

/** What a server agrees to. */
export interface ServerHandshake {
  readonly path: string;
  readonly protocols: readonly string[];
  /** The origins whose pages may connect, the server's own among them. */
  readonly origins: readonly string[];
}

/** RFC 6455 §1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The client's side of the handshake (RFC 6455 §4.1). */
export async function requestUpgrade(
  connection: Connection,
  { host, target, protocols, headers }: ClientHandshake,
): Promise<Agreement> {
  const key = base64(crypto.getRandomValues(new Uint8Array(16)));
  const fields = new Headers(headers);
  fields.set("Upgrade", "websocket");
  fields.set("Connection", "Upgrade");
  fields.set("Sec-WebSocket-Key", key);
  fields.set("Sec-WebSocket-Version", "13");
  if (protocols.length > 0) {
    fields.set("Sec-WebSocket-Protocol", protocols.join(", "));
  }
  await send(connection, `GET ${target} HTTP/1.1`, fields, host);
  const head = await readHead(connection);
  await checkResponse(head, key);
  const protocol = head.fields.get("Sec-WebSocket-Protocol") ?? "";
  if (protocol !== "" && !protocols.includes(protocol)) {
    throw new HttpHeadError(
      `the server has chosen the subprotocol ${
        JSON.stringify(protocol)
      }, which was not offered`,
    );
  }
  return { protocol, initial: head.rest };
}

/**
 * The server's side of the handshake (RFC 6455 §4.2). A request that is refused
 * is answered with a status before this rejects.
 */
export async function acceptUpgrade(
  connection: Connection,
  options: ServerHandshake,
): Promise<Agreement> {
  const head = await readHead(connection);
  const refusal = refusalOf(head, options);
  if (refusal) {
    const fields = new Headers({
      "Connection": "close",
      "Content-Length": "0",
    });
    // RFC 6455 §4.4: the versions that are understood.
    if (refusal.status.startsWith("426")) {
      fields.set("Sec-WebSocket-Version", "13");
    }
    await send(connection, `HTTP/1.1 ${refusal.status}`, fields);
    throw new HttpHeadError(`${refusal.why}: answered with ${refusal.status}`);
  }
  const fields = new Headers({
    "Upgrade": "websocket",
    "Connection": "Upgrade",
  });
  const key = head.fields.get("Sec-WebSocket-Key") ?? "";
  fields.set("Sec-WebSocket-Accept", await acceptOf(key));
  const offered = list(head.fields.get("Sec-WebSocket-Protocol"));
  const protocol = offered.find((name) => options.protocols.includes(name)) ??
    "";
  if (protocol !== "") fields.set("Sec-WebSocket-Protocol", protocol);
  await send(connection, "HTTP/1.1 101 Switching Protocols", fields);
  return { protocol, initial: head.rest };
}

async function checkResponse(
  { start, fields }: HttpHead,
  key: string,
): Promise<void> {
  const [, status, reason = ""] = /^HTTP\/1\.1 (\d{3})(?: ([ -~]*))?$/.exec(
    start,
  ) ?? [];
  if (status === undefined) {
    throw new HttpHeadError("the peer has not answered in HTTP/1.1");
  }
  if (status !== "101") {
    throw new HttpHeadError(
      `the server has answered ${`${status} ${reason}`.trim()}, expected 101`,
    );
  }
  if (!has(fields, "Upgrade", "websocket")) {
    throw new HttpHeadError(
      "the server has not agreed to upgrade to websocket",
    );
  }
  if (!has(fields, "Connection", "upgrade")) {
    throw new HttpHeadError("the server's Connection field is not Upgrade");
  }
  if (fields.get("Sec-WebSocket-Accept") !== await acceptOf(key)) {
    throw new HttpHeadError("the server's Sec-WebSocket-Accept does not match");
  }
  if (fields.has("Sec-WebSocket-Extensions")) {
    throw new HttpHeadError("the server has chosen an extension not offered");
  }
}

interface Refusal {
  readonly status: string;
  readonly why: string;
}

function refusalOf(
  { start, fields }: HttpHead,
  { path, origins }: ServerHandshake,
): Refusal | undefined {
  const bad = (why: string) => ({ status: "400 Bad Request", why });
  const [, target] = /^GET (\S+) HTTP\/1\.1$/.exec(start) ?? [];
  if (target === undefined) return bad("the request is not GET of HTTP/1.1");
  if (!fields.has("Host")) return bad("the request has no Host");
  if (!has(fields, "Upgrade", "websocket")) {
    return { status: "426 Upgrade Required", why: "it asks for no WebSocket" };
  }
  if (!has(fields, "Connection", "upgrade")) {
    return bad("its Connection field is not Upgrade");
  }
  if (fields.get("Sec-WebSocket-Version") !== "13") {
    return { status: "426 Upgrade Required", why: "its version is not 13" };
  }
  if (!isKey(fields.get("Sec-WebSocket-Key") ?? "")) {
    return bad("its Sec-WebSocket-Key is not 16 bytes in Base64");
  }
  const [requested] = target.split("?");
  if (requested !== path) {
    return { status: "404 Not Found", why: `its path is not ${path}` };
  }
  // Pages send an origin. Without a check, any page could use a local server.
  const origin = fields.get("Origin");
  if (origin !== null && !origins.includes(origin)) {
    return { status: "403 Forbidden", why: "its origin is not allowed" };
  }
  return undefined;
}

/** Whether a list in a field has a word, in any case. */
function has(fields: Headers, name: string, word: string): boolean {
  return list(fields.get(name)).some((item) => item.toLowerCase() === word);
}

function list(value: string | null): string[] {
  return value === null ? [] : value.split(",").map((item) => item.trim());
}

function isKey(key: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(key);
}

async function acceptOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key + GUID);
  return base64(new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

async function send(
  connection: Connection,
  start: string,
  fields: Headers,
  host?: string,
): Promise<void> {
  // Host goes first (RFC 9110 §7.2), and no Headers object takes it everywhere.
  const lines = [start, ...(host === undefined ? [] : [`Host: ${host}`])];
  for (const [name, value] of fields) lines.push(`${name}: ${value}`);
  const text = `${lines.join("\r\n")}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(text));
}
