import {
  AsyncProtocol,
  type Codec,
  PendingCalls,
  ProtocolError,
} from "@parley/parley";
import { RedisError, resp, type Value } from "./resp.ts";

/** A client of Redis, for the commands that it names. */
export class Redis extends AsyncProtocol<Value> {
  readonly #calls = new PendingCalls<Value>();

  get(key: string): Promise<Value> {
    return this.command("GET", key);
  }

  set(key: string, value: string): Promise<Value> {
    return this.command("SET", key, value);
  }

  /** Executes any command: a real server knows hundreds. */
  command(name: string, ...args: string[]): Promise<Value> {
    const options = { method: name, timeout: 5_000 };
    return this.sendCall(this.#calls, options, () => [name, ...args]);
  }

  protected override createCodec(): Codec<Value> {
    return resp({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override onMessage(reply: Value): void {
    const call = this.#calls.first(); // replies come in order
    if (!call) throw new ProtocolError("Reply answers no command");
    if (reply instanceof RedisError) this.#calls.reject(call.id, reply);
    else this.#calls.resolve(call.id, reply);
  }
}
