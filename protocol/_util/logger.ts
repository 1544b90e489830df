import { getLogger, type Logger } from "../_deps.ts";

/**
 * The logger of a category. LogTape finds the children of a logger by their
 * names in an object, so that a name that every object has is quoted.
 */
export function loggerOf(...category: string[]): Logger {
  return getLogger(
    category.map((name) =>
      name in Object.prototype ? JSON.stringify(name) : name
    ),
  );
}
