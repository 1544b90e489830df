export { messageOf } from "../../protocol/_util/show.ts";

/** Whether a deadline has passed. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
