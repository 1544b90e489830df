import type { Backend, PostgresError } from "./messages.ts";
import { type Parser, type Row, toParser, toRow } from "./values.ts";

/** A statement that the server has parsed, or will have. */
export interface Prepared {
  /** Its name in the session; empty if it is for one operation. */
  readonly name: string;
  readonly sql: string;
  columns: readonly Parser[];
  parsed: boolean;
}

/** The result of a statement. */
export interface Result<R extends Row = Row> {
  readonly rows: R[];
  /** What was done, such as `INSERT 0 1`. */
  readonly tag: string;
}

/** Which way a COPY goes, and what is done with it. */
export interface CopyHandlers {
  /** Called when the server waits for data. */
  readonly onCopyIn?: () => void;
  /** Called with data; a promise holds what follows. */
  readonly onCopyData?: (data: Uint8Array) => Promise<void>;
}

/** What the server says between one request and its `ReadyForQuery`. */
export class Operation {
  readonly statements: readonly Prepared[];
  readonly results: Result[] = [];
  error: PostgresError | undefined;
  /** Whether a COPY has begun. */
  copying = false;
  readonly #copy: CopyHandlers;
  #rows: Row[] = [];

  constructor(statements: readonly Prepared[], copy: CopyHandlers = {}) {
    this.statements = statements;
    this.#copy = copy;
  }

  /** Whether the client sends data, which no other request may interrupt. */
  get takesData(): boolean {
    return this.#copy.onCopyIn !== undefined;
  }

  /** Takes the next message; a promise holds those behind it. */
  take(message: Backend): void | Promise<void> {
    const prepared = this.statements[this.results.length];
    switch (message.type) {
      case "ParseComplete":
        if (prepared) prepared.parsed = true;
        break;
      case "RowDescription":
        if (prepared) prepared.columns = message.columns.map(toParser);
        break;
      case "DataRow":
        this.#rows.push(toRow(prepared?.columns ?? [], message.values));
        break;
      case "CommandComplete":
        this.results.push({ rows: this.#rows, tag: message.tag });
        this.#rows = [];
        break;
      case "EmptyQueryResponse":
        this.results.push({ rows: [], tag: "" });
        break;
      case "CopyInResponse":
      case "CopyOutResponse":
        this.#beginCopy(message.type);
        break;
      case "CopyData":
        return this.#copy.onCopyData?.(message.data);
    }
  }

  #beginCopy(type: "CopyInResponse" | "CopyOutResponse"): void {
    const { onCopyIn, onCopyData } = this.#copy;
    // Without a handler, the server would wait for data, or data would be lost.
    if (!(type === "CopyInResponse" ? onCopyIn : onCopyData)) {
      throw new TypeError("Cannot copy by query(): use copyIn() or copyOut()");
    }
    this.copying = true;
    onCopyIn?.();
  }
}
