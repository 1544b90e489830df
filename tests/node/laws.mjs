// The laws of transports over Node's modules, with the test runner of the runtime.
// PARLEY_LAWS has the certificates, and the features that transports lack.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { testTransport } from "@parley/parley/testing";
import { fromStreams, memory } from "@parley/parley/transports";
import { stdio, tcp, tls, unix } from "@parley/parley/transports/node";
import "./promises.mjs";

const { certificates, lacks } = JSON.parse(process.env.PARLEY_LAWS);
const { ca, server } = certificates;

// In the folder of the test, which is removed with it.
const folder = mkdtempSync(join(process.cwd(), "laws-"));
let paths = 0;
let inMemory = memory();

const subjects = {
  memory: {
    server: (address) => address ? inMemory : inMemory = memory(),
    client: () => inMemory,
  },
  tcp: both((address) => tcp(address ?? { port: 0 })),
  unix: both((address) => unix(address ?? freePath())),
  tls: {
    server: (address) => tls({ port: 0, ...address, ...server }),
    client: (address) => tls({ ...address, caCerts: [ca] }),
  },
  stdio: throughSocat,
};
for (const [name, subject] of Object.entries(subjects)) {
  testTransport(name, subject, { lacks: lacks[name] });
}

function both(make) {
  return { server: make, client: make };
}

function freePath() {
  return { path: `${folder}/${paths++}` };
}

/** A child process that relays all bytes, and the far end that it leads to. */
async function throughSocat() {
  const { path } = freePath();
  const listener = await unix({ path }).listen();
  const args = ["-t1000", "-,shut-close", `UNIX-CONNECT:${path}`];
  const near = await stdio({ command: "socat", args }).connect();
  const far = await listener.accept();
  await listener.close();
  const addresses = {
    localAddress: near.remoteAddress,
    remoteAddress: near.localAddress,
  };
  const abort = (reason) => far.abort(reason);
  return [near, fromStreams(far, { ...addresses, abort })];
}
