// deno-lint-ignore-file no-import-prefix
export { getLogger, type Logger } from "npm:@logtape/logtape@2.4.2";
