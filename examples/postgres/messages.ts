/** A column of a result. */
export interface Column {
  readonly name: string;
  /** The OID of its type, such as 23 of `int4`. */
  readonly type: number;
}

/** The fields of an error or a notice, by the letters of the protocol. */
export type ErrorFields = Readonly<Record<string, string>>;

/** A message of the server, by its name in PostgreSQL's manual (§55.7). */
export type Backend =
  | { type: "SSLResponse"; accepted: boolean }
  | { type: "Authentication"; code: number; data: Uint8Array }
  | { type: "BackendKeyData"; processId: number; secretKey: number }
  | { type: "ParameterStatus"; name: string; value: string }
  | { type: "RowDescription"; columns: Column[] }
  | { type: "DataRow"; values: (string | null)[] }
  | { type: "CommandComplete"; tag: string }
  | { type: "ErrorResponse"; fields: ErrorFields }
  | { type: "NoticeResponse"; fields: ErrorFields }
  | { type: "NotificationResponse"; notification: Notification }
  | { type: "CopyData"; data: Uint8Array }
  | { type: BackendSign };

/** A message of the server of which only the type matters here. */
export type BackendSign =
  | "ReadyForQuery"
  | "ParseComplete"
  | "BindComplete"
  | "ParameterDescription"
  | "NoData"
  | "EmptyQueryResponse"
  | "CopyInResponse"
  | "CopyOutResponse"
  | "CopyDone";

/** The messages of the client, and the letter that each begins with. */
export const FRONTEND = {
  SSLRequest: "",
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
} as const;

/** A message of the client: a number in its body has 32 bits, text is UTF-8. */
export type Frontend = Bind | {
  type: Exclude<keyof typeof FRONTEND, "Bind">;
  body?: (number | string | Uint8Array)[];
};

/** Gives a prepared statement its parameters. */
export interface Bind {
  type: "Bind";
  name: string;
  parameters: readonly Parameter[];
}

/** A parameter of a statement: text, or the binary form of its type. */
export type Parameter = string | Uint8Array | null;

/** What another session, or this one, has said by `NOTIFY`. */
export interface Notification {
  readonly processId: number;
  readonly channel: string;
  readonly payload: string;
}

/** An error of the server; `code` is its SQLSTATE, such as `23505`. */
export class PostgresError extends Error {
  override readonly name = "PostgresError";
  readonly code: string;
  readonly severity: string;
  /** All fields, by the letters of the protocol: `D` is the detail, `H` a hint. */
  readonly fields: ErrorFields;

  constructor(fields: ErrorFields) {
    super(fields.M);
    this.code = fields.C ?? "";
    this.severity = fields.V ?? fields.S ?? "";
    this.fields = fields;
  }
}
