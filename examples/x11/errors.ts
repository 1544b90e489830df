import { ParleyError } from "@parley/parley";
import { u32At } from "./layout.ts";

const NAMES = "Request Value Window Pixmap Atom Cursor Font Match Drawable " +
  "Access Alloc Colormap GContext IDChoice Name Length Implementation";

/** A request that the server has refused, or the connection. */
export class XError extends ParleyError {
  /** What a request was refused for, such as `BadWindow`. */
  static of(message: Uint8Array): XError {
    const [, code = 0] = message;
    const name = NAMES.split(" ")[code - 1] ?? `error ${code}`;
    const value = u32At(message, 4).toString(16);
    return new XError(`Bad${name}: request ${message[10]}, value 0x${value}`);
  }
}
