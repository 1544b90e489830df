import { ParleyError } from "@parley/parley";

/** At most once, at least once, exactly once. */
export type QoS = 0 | 1 | 2;

/** A message that was published. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** Whether it is kept for subscribers to come, or was kept for this one. */
  readonly retain: boolean;
}

/** PUBLISH; `id` is there unless `qos` is 0. */
export interface Publish extends MqttMessage {
  type: "publish";
  id: number;
}

/** Packets that are an id and nothing else. */
export interface Acknowledgement {
  type: "puback" | "pubrec" | "pubrel" | "pubcomp" | "unsuback";
  id: number;
}

/** What a client says first. */
export interface Connect {
  type: "connect";
  clientId: string;
  /** In seconds. */
  keepAlive: number;
  will?: MqttMessage | undefined;
  username?: string | undefined;
  password?: string | undefined;
}

/** What the server sends. */
export type ServerPacket =
  | Publish
  | Acknowledgement
  | { type: "connack"; code: number }
  | { type: "suback"; id: number; code: number }
  | { type: "pingresp" };

/** What the client sends. */
export type ClientPacket =
  | Publish
  | Acknowledgement
  | Connect
  | { type: "subscribe"; id: number; filter: string; qos: QoS }
  | { type: "unsubscribe"; id: number; filter: string }
  | { type: "pingreq" | "disconnect" };

/** What the server refuses; `code` is its reason, if it is the session. */
export class MqttError extends ParleyError {
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.code = code;
  }
}
