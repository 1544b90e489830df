export { getLogger, type Logger } from "npm:@logtape/logtape@2.4.2";
// @ts-types="../typed_std/async.d.ts"
export { abortable } from "npm:deno-std@1.4.0/async/abortable.js";
// @ts-types="../typed_std/async.d.ts"
export { delay } from "npm:deno-std@1.4.0/async/delay.js";
// @ts-types="../typed_std/cli.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";
// @ts-types="../typed_std/streams.d.ts"
export { TextLineStream } from "npm:deno-std@1.4.0/streams/text_line_stream.js";
