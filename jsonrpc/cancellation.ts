import type { JSONRPCId } from "./messages.ts";

/** How peers cancel requests and report progress, which JSON-RPC does not define. */
export interface CancellationDialect {
  /** The notification that cancels a request. */
  readonly cancelMethod: string;
  /** The member of its params that is the request's id. */
  readonly idMember: string;
  /** Whether a cancelled request is answered all the same. */
  readonly answersCancelled: boolean;
  /**
   * How progress is asked for and reported.
   *
   * @default {undefined}
   */
  readonly progress?: ProgressDialect | undefined;
}

/** How a request asks for progress, and how it is reported. */
export interface ProgressDialect {
  /** The notification that reports progress. */
  readonly method: string;
  /** The members of its params that are the token and the value. */
  readonly tokenMember: string;
  /**
   * The member that holds the value; if it is undefined, the value is all of the
   * params except the token.
   */
  readonly valueMember?: string | undefined;
  /** The token in a request's params. */
  tokenOf(params: Record<string, unknown>): unknown;
  /** A request's params with a token in them. */
  withToken(
    params: Record<string, unknown>,
    token: JSONRPCId,
  ): Record<string, unknown>;
}

/** The dialects that are known by name. */
export type CancellationName = "lsp" | "mcp" | "acp";

/** The Language Server Protocol 3.17, §Base Protocol. */
const lsp: CancellationDialect = {
  cancelMethod: "$/cancelRequest",
  idMember: "id",
  answersCancelled: true,
  progress: {
    method: "$/progress",
    tokenMember: "token",
    valueMember: "value",
    tokenOf: (params) => params.workDoneToken,
    withToken: (params, workDoneToken) => ({ ...params, workDoneToken }),
  },
};

/** The Model Context Protocol 2025-06-18, §Utilities. */
const mcp: CancellationDialect = {
  cancelMethod: "notifications/cancelled",
  idMember: "requestId",
  answersCancelled: false,
  progress: {
    method: "notifications/progress",
    tokenMember: "progressToken",
    tokenOf: ({ _meta }) => isRecord(_meta) ? _meta.progressToken : undefined,
    withToken: (params, progressToken) => ({
      ...params,
      _meta: { ...(isRecord(params._meta) ? params._meta : {}), progressToken },
    }),
  },
};

/** The Agent Client Protocol 1, §Cancellation. */
const acp: CancellationDialect = {
  cancelMethod: "$/cancel_request",
  idMember: "requestId",
  answersCancelled: true,
};

/** The dialects by their names. */
export const dialects: Readonly<Record<CancellationName, CancellationDialect>> =
  { lsp, mcp, acp };

/** Whether a value is an object that is not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
