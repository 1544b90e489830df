/**
 * Options of a codec of JSON: a bad message is delivered, so that the peer is
 * told. The session counts bad messages of every kind itself.
 */
export const BAD_MESSAGES = {
  badMessages: "deliver",
  maxBadMessages: Infinity,
} as const;
