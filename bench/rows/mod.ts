import type { Row } from "../harness.ts";
import { frames } from "./frames.ts";
import { receive } from "./receive.ts";
import { pipelined, request } from "./requests.ts";
import { send } from "./send.ts";

/** Each kind of work that is measured. */
export const rows: readonly Row[] = [request, pipelined, receive, send, frames];
