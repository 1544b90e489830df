/** The counters of a session. */
export interface ProtocolStats {
  /** Messages that were decoded. */
  readonly messagesReceived: number;
  /** Messages that were encoded and queued. */
  readonly messagesSent: number;
  /** Bytes that were read. */
  readonly bytesReceived: number;
  /** Bytes that the transport has taken. */
  readonly bytesSent: number;
  /** Bytes that are queued and not yet taken by the transport. */
  readonly queuedBytes: number;
  /** For how long sends have waited for room in the queue, in milliseconds. */
  readonly blockedMs: number;
  /** When bytes were last read or taken, if ever. */
  readonly lastActivity: Date | undefined;
}

/** The counters before the first session. */
export const noStats: ProtocolStats = {
  messagesReceived: 0,
  messagesSent: 0,
  bytesReceived: 0,
  bytesSent: 0,
  queuedBytes: 0,
  blockedMs: 0,
  lastActivity: undefined,
};
