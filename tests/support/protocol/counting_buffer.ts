import { ReadBuffer } from "../../../protocol/mod.ts";

/** The views behind proxies, for functions that take a view only. */
const viewed = new WeakMap<object, () => Uint8Array>();

/** Counts the visited bytes: one by one, by searches and by copies. */
export class CountingBuffer extends ReadBuffer {
  count = 0;

  override at(position: number): number | undefined {
    this.count++;
    return super.at(position);
  }

  override subarray(from?: number, to?: number): Uint8Array<ArrayBuffer> {
    const view = super.subarray(from, to);
    const proxy = new Proxy(view, {
      get: (_, key) => {
        const value = Reflect.get(view, key, view);
        if (typeof value !== "function") {
          if (typeof key === "string" && /^\d/.test(key)) this.count++;
          return value;
        }
        return (...args: unknown[]) => {
          const result = value.apply(view, args);
          if (key === "lastIndexOf") this.count += view.length - result;
          else this.count += view.length;
          return result;
        };
      },
    });
    viewed.set(proxy, () => {
      this.count += view.length;
      return view;
    });
    return proxy;
  }

  override indexOf(byte: number, from = 0): number {
    const before = this.count;
    const found = super.indexOf(byte, from);
    this.count = before + (found < 0 ? this.length : found + 1) - from;
    return found;
  }
}

/** Makes text decoders accept the views of a counting buffer. */
export function countDecoding(): Disposable {
  const { decode } = TextDecoder.prototype;
  TextDecoder.prototype.decode = function (bytes, options) {
    return decode.call(this, viewed.get(bytes ?? {})?.() ?? bytes, options);
  };
  return {
    [Symbol.dispose]: () => void (TextDecoder.prototype.decode = decode),
  };
}
