import type { Body } from "./body.ts";

/**
 * The messages of the server by the byte in front, with the names that
 * PostgreSQL's manual gives them (§55.7).
 */
export const BACKEND = {
  "1": message("ParseComplete", nothing),
  "2": message("BindComplete", nothing),
  A: message("NotificationResponse", (body) => ({
    processId: body.int(4),
    channel: body.text(),
    payload: body.text(),
  })),
  C: message("CommandComplete", (body) => body.text()),
  D: message("DataRow", (body) => body.list(readValue)),
  E: message("ErrorResponse", readFields),
  G: message("CopyInResponse", nothing),
  H: message("CopyOutResponse", nothing),
  I: message("EmptyQueryResponse", nothing),
  K: message("BackendKeyData", (body) => body.rest()),
  N: message("NoticeResponse", readFields),
  R: message("Authentication", (body) => ({
    code: body.int(4),
    data: body.rest(),
  })),
  S: message("ParameterStatus", (body) => [body.text(), body.text()]),
  T: message("RowDescription", (body) => body.list(readColumn)),
  Z: message("ReadyForQuery", nothing),
  c: message("CopyDone", nothing),
  d: message("CopyData", (body) => body.rest()),
  n: message("NoData", nothing),
  t: message("ParameterDescription", nothing),
};

/** A message of the server. */
export type Backend = ReturnType<(typeof BACKEND)[keyof typeof BACKEND]>;

/** The body of a message of the server. */
export type BodyOf<Type> = Extract<Backend, { type: Type }>["body"];

/** The messages of the client, and the byte that each begins with. */
export const FRONTEND = {
  CancelRequest: "",
  StartupMessage: "",
  SASLInitialResponse: "p",
  SASLResponse: "p",
  Query: "Q",
  Parse: "P",
  Describe: "D",
  Bind: "B",
  Execute: "E",
  Sync: "S",
  CopyData: "d",
  CopyDone: "c",
  CopyFail: "f",
  Terminate: "X",
};

/** A message of the client: a number in its body has 32 bits, text is UTF-8. */
export interface Frontend {
  type: keyof typeof FRONTEND;
  body?: (number | string | Uint8Array)[];
}

function message<Type extends string, T>(type: Type, read: (body: Body) => T) {
  return (body: Body) => ({ type, body: read(body) });
}

function nothing(): undefined {}

function readValue(body: Body): string | null {
  const length = body.int(4);
  return length < 0 ? null : body.string(length);
}

/** A column of a result: the type is an OID, such as 23 of `int4`. */
function readColumn(body: Body): { name: string; type: number } {
  const name = body.text();
  body.skip(6); // table, number of the column
  const type = body.int(4);
  body.skip(8); // size, modifier, format
  return { name, type };
}

/** Texts by the letters in front of them, up to an empty one. */
function readFields(body: Body): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let field = body.text(); field !== ""; field = body.text()) {
    fields[field.charAt(0)] = field.slice(1);
  }
  return fields;
}
