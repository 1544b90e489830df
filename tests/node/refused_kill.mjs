// Closes a child process that the system does not let us end: it is root's, and
// this process has become another user.
import process from "node:process";
import { stdio } from "@parley/parley/transports/node";

const NOBODY = 65_534;

const args = ["1000"]; // it does not end with its input
const connection = await stdio({ command: "sleep", args }).connect();
process.setuid(NOBODY);
const error = await connection.close().catch((error) => error);
console.log(`${error?.name}: ${error?.message}`);
process.exit();
