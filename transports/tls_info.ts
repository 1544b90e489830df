/** The facts of a TLS connection, once its handshake is done. */
export interface TlsInfo {
  /** The version, such as `TLSv1.3`. */
  readonly protocol: string;
  /** The cipher suite, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The protocol that both ends agreed on (ALPN, RFC 7301), if any. */
  readonly alpnProtocol: string | undefined;
  /** The server name that the client has asked for (SNI, RFC 6066 §3), if any. */
  readonly serverName: string | undefined;
  /** The certificate that the peer has shown, if any. It is verified. */
  readonly peerCertificate: PeerCertificate | undefined;
}

/** The certificate that the peer of a TLS connection has shown. */
export interface PeerCertificate {
  /** The certificate as PEM. */
  readonly pem: string;
  /** The certificate as DER. */
  readonly der: Uint8Array;
  /** The distinguished name of its subject, such as `CN=alice`. */
  readonly subject: string;
  /** The entries of its subject alternative name, such as `DNS:example.org`. */
  readonly names: readonly string[];
  /** The SHA-256 of the DER, as pairs of hexadecimal digits with colons between. */
  readonly fingerprint: string;
}
