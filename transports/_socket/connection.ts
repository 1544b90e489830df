import { ChannelConnection } from "../_channel/connection.ts";
import { formatAddress } from "../address.ts";
import type { TlsInfo } from "../tls_info.ts";
import type { Address } from "../transport.ts";
import type { RawSocket } from "./raw_socket.ts";
import { SocketChannel } from "./socket_channel.ts";

/** Options of {@linkcode SocketConnection}. */
export interface SocketConnectionOptions {
  /**
   * The peer, as errors call it.
   *
   * @default {the remote address}
   */
  readonly name?: string;
  /** The facts of TLS, if the socket does TLS. */
  readonly tls?: TlsInfo | undefined;
}

/** A connection over the raw operations of a socket. */
export class SocketConnection<A extends Address = Address>
  extends ChannelConnection<A> {
  constructor(
    socket: RawSocket,
    localAddress: A,
    remoteAddress: A,
    options: SocketConnectionOptions = {},
  ) {
    const { name = formatAddress(remoteAddress), tls } = options;
    super(new SocketChannel(socket, name), {
      localAddress,
      remoteAddress,
      tls,
    });
  }
}
