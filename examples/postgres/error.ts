/** An error of the server; `code` is its SQLSTATE, such as `23505`. */
export class PostgresError extends Error {
  override readonly name = "PostgresError";
  readonly code: string;
  readonly severity: string;
  /** All fields, by the letters of the protocol: `D` is the detail, `H` a hint. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(fields: Readonly<Record<string, string>>) {
    super(fields.M);
    this.code = fields.C ?? "";
    this.severity = fields.V ?? fields.S ?? "";
    this.fields = fields;
  }
}
