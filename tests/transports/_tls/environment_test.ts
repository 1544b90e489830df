import { assertEquals, assertStringIncludes } from "@std/assert";
import { tls } from "../../../transports/mod.ts";
import {
  craft,
  identity,
  MAY_CERTIFY,
  MAY_SIGN,
  type Says,
} from "../../support/transports/crafted_certificates.ts";
import { runDeno } from "../../support/program.ts";
import { portOf } from "../../support/transports/port_of.ts";

const AUTHORITY = { isAuthority: true, usage: MAY_CERTIFY };

Deno.test("a server of another authority is refused, whatever the environment variables are", async () => {
  const root = await craft({ subject: "root", ...AUTHORITY });
  const stranger = await craft({ subject: "stranger", ...AUTHORITY });
  const server = await craft({
    ...{ issuer: stranger, usage: MAY_SIGN, purposes: [1] },
    addresses: [[127, 0, 0, 1]],
  });
  await using listener = await tls({ port: 0, ...identity(server) }).listen();
  const file = await Deno.makeTempFile({ suffix: ".pem" });
  try {
    await Deno.writeTextFile(file, stranger.cert);
    const options = { port: portOf(listener), caCerts: [root.cert] };
    const script = `import { tls } from "./transports/mod.ts";
      const outcome = await tls(${JSON.stringify(options)}).connect()
        .then(() => "connected", (error) => error.name);
      console.log(outcome);
      Deno.exit();`;
    const environments: Record<string, string>[] = [
      {},
      { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
      { NODE_EXTRA_CA_CERTS: file },
      { DENO_CERT: file },
      { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: file },
    ];
    for (const env of environments) {
      const { stdout } = await runDeno(
        ["run", "--allow-all", "-"],
        script,
        env,
      );
      assertEquals(stdout, "InvalidData\n", JSON.stringify(env));
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("with the system's authorities, a certificate that may not sign is refused as a signer", async () => {
  const root = await craft({ subject: "root", ...AUTHORITY });
  const middle = (says: Says) =>
    craft({ subject: "middle", issuer: root, ...AUTHORITY, ...says });
  const chains = {
    "connected": [await middle({})],
    "the server's certificate is not trusted": [
      await middle({ version: 1 }),
    ],
    "may not sign certificates (keyUsage)": [await middle({ usage: MAY_SIGN })],
  };
  const file = await Deno.makeTempFile({ suffix: ".pem" });
  try {
    await Deno.writeTextFile(file, root.cert);
    for (const [outcome, [issuer]] of Object.entries(chains)) {
      if (!issuer) continue;
      const server = await craft({
        ...{ issuer, usage: MAY_SIGN, purposes: [1] },
        addresses: [[127, 0, 0, 1]],
      });
      await using listener = await tls({
        ...{ port: 0, ...identity(server, issuer) },
      }).listen();
      const script = `import { tls } from "./transports/mod.ts";
        const outcome = await tls({ port: ${portOf(listener)} }).connect()
          .then(() => "connected", (error) => error.message);
        console.log(outcome);
        Deno.exit();`;
      const env = { DENO_CERT: file };
      const { stdout } = await runDeno(
        ["run", "--allow-all", "-"],
        script,
        env,
      );
      assertStringIncludes(stdout, outcome);
    }
  } finally {
    await Deno.remove(file);
  }
});
