import { ParleyError } from "@parley/parley";

const NAMES = "Request Value Window Pixmap Atom Cursor Font Match Drawable " +
  "Access Alloc Colormap GContext IDChoice Name Length Implementation";

/** A request that the server has refused, or the connection. */
export class XError extends ParleyError {
  /** What a request was refused for, such as `BadWindow`. */
  static of(code: number, opcode: number, value: number): XError {
    const name = NAMES.split(" ")[code - 1] ?? `error ${code}`;
    return new XError(
      `Bad${name}: request ${opcode}, value 0x${value.toString(16)}`,
    );
  }
}
