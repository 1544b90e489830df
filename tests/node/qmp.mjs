// Asks a QEMU at a Unix socket for its status: `node qmp.mjs SOCKET`.
import process from "node:process";
import { QMPClient } from "@parley/parley/qmp";
import { unix } from "@parley/parley/transports/node";

const client = new QMPClient();
await client.connect(unix({ path: process.argv[2] }));
const { qemu } = await client.execute("query-version");
const { status } = await client.execute("query-status");
console.log(`QEMU ${qemu.major} is ${status}`);
await client.disconnect();
