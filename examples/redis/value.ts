/** A value of RESP3, the protocol of Redis 6 and later. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | RedisError
  | Value[]
  | Set<Value>
  | Map<Value, Value>;

/** An argument of a command. */
export type Argument = string | number | Uint8Array;

/** The name of a command and its arguments. */
export type Command = readonly [name: string, ...Argument[]];

/** What a server sends: the reply to the next command, or a push. */
export type Message = Value | Push;

/** A message that answers no command, such as one of a channel. */
export class Push {
  readonly items: Value[];

  constructor(items: Value[]) {
    this.items = items;
  }
}

/** An error that the server replies with, such as `ERR unknown command`. */
export class RedisError extends Error {
  override readonly name = "RedisError";

  /** Its first word, such as `WRONGTYPE`. */
  get code(): string {
    return this.message.split(" ", 1).join();
  }
}
