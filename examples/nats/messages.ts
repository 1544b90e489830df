import { ParleyError } from "@parley/parley";

/** A message that was published. */
export interface NatsMessage {
  readonly subject: string;
  /** The subject at which the publisher awaits an answer. */
  readonly reply?: string | undefined;
  /** The block of headers as it came, which begins with `NATS/1.0`. */
  readonly headers?: string | undefined;
  readonly payload: Uint8Array;
}

/** What the server tells of itself, as far as a client needs it. */
export interface ServerInfo {
  readonly max_payload?: number;
  readonly tls_required?: boolean;
  readonly tls_available?: boolean;
}

/** A client's credentials, as CONNECT has them. */
export interface Credentials {
  readonly user?: string;
  readonly pass?: string;
  readonly auth_token?: string;
}

/** What the server sends. */
export type ServerMessage =
  | { op: "INFO"; info: ServerInfo }
  | { op: "MSG"; sid: number; message: NatsMessage }
  | { op: "-ERR"; text: string }
  | { op: "PING" | "PONG" | "+OK" };

/** What the client sends. */
export type ClientMessage =
  | { op: "CONNECT"; options: object }
  | { op: "PUB"; subject: string; reply?: string; payload: Uint8Array }
  | { op: "SUB"; subject: string; queue?: string | undefined; sid: number }
  | { op: "UNSUB"; sid: number }
  | { op: "PING" | "PONG" };

/** What the server refuses, and a request that nobody answers. */
export class NatsError extends ParleyError {}
