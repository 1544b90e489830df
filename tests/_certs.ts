/** Certificates in PEM, and the folder where they are, in QEMU's layout. */
export interface Certificates {
  /**
   * Holds `ca-cert.pem`, `server-cert.pem`, `server-key.pem`,
   * `client-cert.pem` and `client-key.pem`; removed when the process ends.
   */
  readonly folder: string;
  readonly ca: string;
  /** For localhost and 127.0.0.1. */
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

const made = new Map<string, Promise<Certificates>>();

/** An authority and what it has signed: made once for each name. */
export function certificates(authority = "ca"): Promise<Certificates> {
  let certificates = made.get(authority);
  if (!certificates) made.set(authority, certificates = make(authority));
  return certificates;
}

async function make(authority: string): Promise<Certificates> {
  const folder = await Deno.makeTempDir({ prefix: "certificates-" });
  addEventListener(
    "unload",
    () => Deno.removeSync(folder, { recursive: true }),
  );
  const openssl = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", {
      args,
      cwd: folder,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const newKey = (key: string, name: string) => [
    ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ...["-nodes", "-keyout", key, "-subj", `/CN=${name}`],
  ];
  await openssl(
    ...newKey("ca-key.pem", authority),
    ...["-x509", "-days", "2", "-out", "ca-cert.pem"],
    ...["-addext", "keyUsage=critical,keyCertSign"],
  );
  const sign = async (role: "server" | "client", extensions: string) => {
    await openssl(...newKey(`${role}-key.pem`, role), "-out", `${role}.csr`);
    await Deno.writeTextFile(`${folder}/${role}.ext`, extensions);
    await openssl(
      ...["x509", "-req", "-in", `${role}.csr`, "-days", "2"],
      ...["-CA", "ca-cert.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"],
      ...["-extfile", `${role}.ext`, "-out", `${role}-cert.pem`],
    );
    return {
      cert: await Deno.readTextFile(`${folder}/${role}-cert.pem`),
      key: await Deno.readTextFile(`${folder}/${role}-key.pem`),
    };
  };
  return {
    folder,
    server: await sign(
      "server",
      "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n" +
        "keyUsage=critical,digitalSignature,keyEncipherment\n",
    ),
    client: await sign(
      "client",
      "extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n",
    ),
    ca: await Deno.readTextFile(`${folder}/ca-cert.pem`),
  };
}
