import { systemErrors } from "../_util/system_errors.ts";

/** The same error, without the internal paths in the call that Deno names. */
export function withoutCall(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = error.message.replace(CALL, "");
  return message === error.message ? error : sameError(error, message);
}

/** The same error, about a folder. */
export function folderError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof systemErrors.NotCapable) {
    return error;
  }
  const folder = `folder ${path.replace(/(?<=.)\/$/, "")}`;
  return sameError(
    error,
    error instanceof systemErrors.NotFound
      ? `${folder} does not exist`
      : `${folder}: ${error.message.replace(CALL, "")}`,
  );
}

// As in "Permission denied (os error 13): mkdir '/run/.parley-1f2e3d'".
const CALL = /: \w+ '.*'$/s;

function sameError(error: Error, message: string): Error {
  const Same = error.constructor as ErrorConstructor;
  return new Same(message, { cause: error });
}
