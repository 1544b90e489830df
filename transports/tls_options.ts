/** A certificate and its private key, in PEM. */
export interface TlsIdentity {
  /** The certificate, followed by its intermediates. */
  readonly cert: string;
  /** The private key of `cert`. */
  readonly key: string;
}

/** Options of `tls()`. Certificates and keys are PEM. */
export interface TlsOptions {
  /**
   * A name or an IP address; IPv6 without brackets.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string | undefined;
  /** From 0 to 65535; listening at 0 gives a free port. */
  port: number;
  /**
   * The name that the server's certificate must be for.
   *
   * @default {hostname}
   */
  serverName?: string | undefined;
  /**
   * The authorities that a client trusts, in place of the system's. A
   * certificate that is not an authority is trusted for itself alone.
   *
   * @default {undefined}
   */
  caCerts?: string[] | undefined;
  /**
   * Our certificate, followed by its intermediates. A listener needs one, here
   * or by `certificates`. A client shows it to a server that asks.
   *
   * @default {undefined}
   */
  cert?: string | undefined;
  /**
   * The private key of `cert`.
   *
   * @default {undefined}
   */
  key?: string | undefined;
  /**
   * Gives a listener its certificate and key, in place of `cert` and `key`. It
   * is asked in each handshake, with the server name that the client wants
   * (SNI), in lower case. Without a result, or if it fails, the handshake is refused.
   *
   * @default {undefined}
   */
  certificates?:
    | ((
      serverName: string | undefined,
    ) => TlsIdentity | undefined | Promise<TlsIdentity | undefined>)
    | undefined;
  /**
   * The authorities that a listener trusts to sign the certificates of clients
   * (mutual TLS). A client without a trusted certificate is refused. Without
   * this option no client is asked.
   *
   * @default {undefined}
   */
  clientCaCerts?: string[] | undefined;
  /**
   * Names of protocols to offer (ALPN), the best first.
   *
   * @default {undefined}
   */
  alpnProtocols?: string[] | undefined;
  /**
   * Whether a load balancer sends a PROXY header before each handshake, as for
   * `tcp()`. The header may take as long as a handshake.
   *
   * @default {false}
   */
  proxyProtocol?: boolean | undefined;
  /**
   * How long a handshake may take, in milliseconds.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Called for each peer that a listener has refused, with the reason: a failed
   * handshake is not an error of `accept()`.
   *
   * @default {undefined}
   */
  onHandshakeError?: ((error: unknown) => void) | undefined;
}
