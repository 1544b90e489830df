import type { PostgresError } from "./error.ts";
import type { Backend, BodyOf } from "./messages.ts";
import { type Row, toRow } from "./values.ts";

/** A statement of the session. */
export interface Prepared {
  /** Empty if it is for one operation. */
  readonly name: string;
  readonly sql: string;
  /** What it returns; unknown until the server has parsed it. */
  columns?: BodyOf<"RowDescription">;
}

/** The result of a statement. */
export interface Result<R extends Row = Row> {
  readonly rows: R[];
  /** What was done, such as `INSERT 0 1`. */
  readonly tag: string;
}

/** What is done in a COPY, which goes one way. */
export interface CopyHandlers {
  /** Called when the server waits for data. */
  readonly onCopyIn?: () => void;
  /** Called with data; a promise holds what follows. */
  readonly onCopyData?: (data: Uint8Array) => Promise<void>;
}

/** A request, and what the server has answered up to its `ReadyForQuery`. */
export class Operation {
  readonly statements: Prepared[] = [];
  readonly results: Result[] = [];
  error: PostgresError | undefined;
  readonly #copy: CopyHandlers;
  #rows: Row[] = [];

  constructor(copy: CopyHandlers = {}) {
    this.#copy = copy;
  }

  /** Takes the next message; a promise holds those behind it. */
  take(message: Backend): void | Promise<void> {
    const prepared = this.statements[this.results.length];
    const { onCopyIn = refuseCopy, onCopyData = refuseCopy } = this.#copy;
    switch (message.type) {
      case "RowDescription":
      case "NoData":
        if (prepared) prepared.columns = message.body ?? [];
        break;
      case "DataRow":
        this.#rows.push(toRow(prepared?.columns ?? [], message.body));
        break;
      case "CommandComplete":
      case "EmptyQueryResponse":
        this.results.push({ rows: this.#rows, tag: message.body ?? "" });
        this.#rows = [];
        break;
      case "CopyInResponse":
        return onCopyIn();
      case "CopyData":
        return onCopyData(message.body);
    }
  }
}

/** Else the server would wait for data, or data would be lost. */
function refuseCopy(): never {
  throw new TypeError("Cannot copy by query(): use copyIn() or copyOut()");
}
