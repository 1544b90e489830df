import type { Row } from "./harness.ts";
import { calls, callsInFlight } from "./rows/calls.ts";
import { frames } from "./rows/frames.ts";
import { receive } from "./rows/receive.ts";
import { pipelined, request } from "./rows/requests.ts";
import { send } from "./rows/send.ts";

/** All rows of the benchmark. */
export const rows: readonly Row[] = [
  request,
  pipelined,
  receive,
  send,
  frames,
  calls,
  callsInFlight,
];
