export { getLogger, type Logger } from "npm:@logtape/logtape@2.4.2";
