import type { AsyncProtocolOptions } from "../protocol/async_protocol_options.ts";
import type { Codec } from "../protocol/codecs/codec.ts";
import type { CancellationDialect, CancellationName } from "./cancellation.ts";
import type { JSONRPCMessage } from "./messages.ts";
import type { AnyMethods, HandlerOrder, Handlers } from "./methods.ts";

/** Options of a `JSONRPCPeer`. */
export interface JSONRPCPeerOptions<Local = AnyMethods>
  extends AsyncProtocolOptions {
  /**
   * The maximum size of an incoming message, in bytes. A larger one is
   * answered with -32600 if the codec delivers it as an error, as the default
   * does; otherwise it ends the session.
   *
   * @default {10485760}
   */
  maxMessageBytes?: number | undefined;
  /**
   * Makes the codec of a session. A message that is a `DecodeError` is answered
   * with -32700, and one that is another `ProtocolError` with -32600: see
   * `badMessages` of the codecs.
   *
   * @default {JSON, each message on a line}
   */
  codec?:
    | ((options: { maxMessageBytes: number }) => Codec<unknown, JSONRPCMessage>)
    | undefined;
  /**
   * The methods that the peer may call: the object's enumerable members, which
   * must be functions. Of a class instance these are also all methods of its class
   * and of each base class, those that TypeScript calls `private` or `protected`
   * included. Not callable are `#private` methods, constructors, getters, static
   * methods and what every object has, such as `toString()`. They are looked up
   * once, when the peer is made, and called with the object as `this`.
   *
   * @default {{}}
   */
  methods?: Handlers<NoInfer<Local>> | undefined;
  /**
   * The order in which handlers run: `"parallel"`, 64 at once; a number, so many
   * at once; `"serial"`, one after the other; or a function that returns a key:
   * calls with the same key run one after the other, and calls with different
   * keys concurrently. Calls that run or wait may take a third of
   * `maxQueuedBytes`, each as 256 bytes at least, and nothing is read while it is
   * used up. If this peer itself waits for a response then, further requests are
   * refused with -32000; notifications may take another third, and then the session
   * ends.
   *
   * @default {"parallel"}
   */
  order?: HandlerOrder | undefined;
  /**
   * How requests are cancelled, both ways, and how progress is reported: the
   * dialect of a protocol, one of your own, or `false` for none.
   *
   * @default {false}
   */
  cancellation?: CancellationName | CancellationDialect | false | undefined;
  /**
   * How long each response may take, in milliseconds; `Infinity` for no limit.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
  /**
   * How many members a batch may have, in either direction.
   *
   * @default {1000}
   */
  maxBatch?: number | undefined;
}
