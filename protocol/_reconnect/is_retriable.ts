import { StateError } from "../errors.ts";

/** What does not come with time: a permission, and a listener that is closed. */
const FOR_GOOD = ["NotCapable", "BadResource"];

/** Whether an error may be gone at another attempt, as far as any protocol knows. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof StateError) return false;
  return !(error instanceof Error && FOR_GOOD.includes(error.name));
}
