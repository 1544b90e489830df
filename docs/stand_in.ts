import { AsyncProtocol, type Codec } from "@parley/parley";
import { RedisError, resp, type Value } from "./resp.ts";

/** One session of a server that stores strings in memory, as Redis does. */
export class StandIn extends AsyncProtocol<Value> {
  readonly #store: Map<string, string>;

  constructor(store: Map<string, string>) {
    super();
    this.#store = store;
  }

  protected override createCodec(): Codec<Value> {
    return resp();
  }

  protected override onMessage(request: Value): Promise<void> {
    return this.send(this.#answer(request));
  }

  #answer(request: Value): Value {
    const [name = "", key = "", value = ""] = Array.isArray(request)
      ? request.map(String)
      : [];
    switch (name.toUpperCase()) {
      case "PING":
        return "PONG";
      case "SET":
        this.#store.set(key, value);
        return "OK";
      case "GET":
        return this.#store.get(key) ?? null;
      case "DEL":
        return this.#store.delete(key) ? 1 : 0;
      case "KEYS":
        return [...this.#store.keys()];
      default:
        return new RedisError(`ERR unknown command '${name}'`);
    }
  }
}
