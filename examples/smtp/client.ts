import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  CallInterruptedError,
  type Codec,
  ParleyError,
  PendingCalls,
  ProtocolError,
  startTls,
  type StartTlsOptions,
  type WaitOptions,
} from "@parley/parley";
import { abortable } from "@std/async";
import { type Reply, type Request, smtp } from "./codec.ts";

/** Options of a client. */
export interface SmtpOptions extends AsyncProtocolOptions {
  /** The name by which the client introduces itself; `localhost`. */
  clientName?: string | undefined;
  /** Requires STARTTLS. Without it, TLS is not used. */
  tls?: StartTlsOptions | undefined;
  /** Sends commands together; by default if the server says that it may. */
  pipelining?: boolean | undefined;
  /** How long an answer may take, in milliseconds; five minutes (§4.5.3.2). */
  timeout?: number | undefined;
}

/** A mail and its recipients. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body, with line ends of any kind. */
  readonly content: string;
}

/** What has become of a mail that the server has taken. */
export interface Delivery {
  /** The server's reply, which may tell the mail's id. */
  readonly reply: string;
  /** The recipients that the server has refused, and why. */
  readonly refused: ReadonlyMap<string, SmtpError>;
}

/** The server has refused a command; a code from 500 is permanent. */
export class SmtpError extends ParleyError {
  readonly code: number;

  constructor(command: string, { code, lines }: Reply) {
    super(`${command}: the server replied ${code} ${lines.join(" ")}`);
    this.code = code;
  }
}

/** A client of SMTP (RFC 5321), with STARTTLS and pipelining. */
export class SmtpClient extends AsyncProtocol<Reply, Request> {
  readonly #options: SmtpOptions;
  readonly #calls = new PendingCalls<Reply>();
  #extensions: ReadonlySet<string> = new Set();
  /** Settled when the last delivery that was asked for is over. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SmtpOptions = {}) {
    super(options);
    this.#options = options;
  }

  /** The extensions that the server has named, such as `8BITMIME`. */
  get extensions(): ReadonlySet<string> {
    return this.#extensions;
  }

  /**
   * Delivers a mail, after those that were asked for before. If it is given up
   * in the middle, the session ends: there is no other way out of it.
   *
   * @throws {SmtpError} The server has refused the mail or all its recipients.
   * @throws {CallError} There was no answer. If `sent` is false, the mail was not
   * delivered and can be sent again; otherwise it may have been.
   */
  async deliver(mail: Mail, { signal }: WaitOptions = {}): Promise<Delivery> {
    this.assertRunning();
    signal?.throwIfAborted();
    const parameters = this.#parameters(mail);
    const { signal: session } = this;
    const delivery = this.#last.then(async () => {
      signal?.throwIfAborted();
      if (session.aborted) {
        const message = "Delivery: the session ended before its turn came";
        const { reason: cause } = session;
        throw new CallInterruptedError(message, { sent: false, cause });
      }
      try {
        return await this.#deliver(mail, parameters, signal);
      } catch (error) {
        if (!(error instanceof SmtpError) && this.runstate === "running") {
          await this.disconnect({ reason: error }).catch(() => {});
        }
        throw error;
      }
    });
    this.#last = delivery.catch(() => {});
    return await (signal ? abortable(delivery, signal) : delivery);
  }

  protected override createCodec(): Codec<Reply, Request> {
    return smtp({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    const { clientName = "localhost", tls } = this.#options;
    const ask = async (command: string) => {
      if (command) await this.send(command);
      const reply = await this.receive({ signal });
      return accepted(command || "Greeting", reply);
    };
    const hello = async () => {
      const { lines } = await ask(`EHLO ${clientName}`);
      const words = lines.slice(1).map((line) => line.split(" ")[0] ?? "");
      this.#extensions = new Set(words.map((word) => word.toUpperCase()));
    };
    await ask("");
    await hello();
    if (!tls) return;
    if (!this.#extensions.has("STARTTLS")) {
      throw new ProtocolError("Server has no STARTTLS: tls requires it");
    }
    await ask("STARTTLS");
    await this.upgrade((plain) => startTls(plain, { ...tls, signal }));
    await hello(); // what was said before may have been forged (RFC 3207 §4.2)
  }

  /** Says goodbye; with a reason, it may be in the middle of a mail. */
  protected override onDisconnect(reason: unknown): void {
    if (reason === undefined) this.send("QUIT");
  }

  protected override onMessage(reply: Reply): void {
    const call = this.#calls.first(); // replies come in order
    if (call) this.#calls.resolve(call.id, reply);
    else throw new SmtpError("Session", reply); // 421: the server shuts down
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#calls.end(cause);
  }

  /** A server that is away or busy may come back; from 500, it refuses for good. */
  protected override isRetriable(error: unknown): boolean {
    const isRefused = error instanceof SmtpError && error.code >= 500;
    return !isRefused && super.isRetriable(error);
  }

  /** Keeps mails out of the log. */
  protected override describe(message: Reply | Request): unknown {
    if (typeof message === "string" || "code" in message) return message;
    return { content: `${message.content.length} characters` };
  }

  /** One transaction: MAIL, RCPT for each recipient, DATA, and the content. */
  async #deliver(
    { from, to, content }: Mail,
    parameters: string,
    signal: AbortSignal | undefined,
  ): Promise<Delivery> {
    const { pipelining = this.#extensions.has("PIPELINING") } = this.#options;
    const recipients = to.map((recipient) => `RCPT TO:<${recipient}>`);
    const mail = `MAIL FROM:<${from}>${parameters}`;
    const asked: Promise<Reply>[] = [];
    for (const command of [mail, ...recipients, "DATA"]) {
      asked.push(this.#ask(command, signal));
      if (!pipelining) await asked.at(-1);
    }
    const replies = await Promise.all(asked);
    const data = replies.pop();
    const refused = new Map<string, SmtpError>();
    for (const [i, recipient] of to.entries()) {
      const reply = replies[i + 1];
      if (!reply || isAccepted(reply)) continue;
      refused.set(recipient, new SmtpError(`RCPT ${recipient}`, reply));
    }
    const areAllRefused = refused.size === to.length;
    // Even if it has no recipient, content that is asked for must end (RFC 2920).
    const request = data?.code === 354
      ? { content: areAllRefused ? "" : content }
      : "RSET";
    const reply = await this.#ask(request, signal);
    const [sender] = replies;
    if (sender) accepted("MAIL", sender);
    if (areAllRefused) throw refused.values().next().value;
    if (data && request === "RSET") throw new SmtpError("DATA", data);
    return { reply: accepted("Content", reply).lines.join("\n"), refused };
  }

  /** Sends a command or the content, and waits for the reply to it. */
  #ask(request: Request, signal: AbortSignal | undefined): Promise<Reply> {
    const { timeout = 300_000 } = this.#options;
    const isCommand = typeof request === "string";
    const [method] = isCommand ? request.split(/[ :]/, 1) : ["content"];
    return this.sendCall(this.#calls, { method, signal, timeout }, (call) => {
      call.sent = !isCommand; // before its content is sent, no mail is delivered
      return request;
    });
  }

  /** Checks a mail, and gives the parameters of MAIL that it needs. */
  #parameters({ from, to, content }: Mail): string {
    if (to.length === 0) throw new TypeError("Cannot deliver: to is empty");
    for (const address of [from, ...to]) {
      if (isASCII(address) && /^[^\s<>\0]*$/.test(address)) continue;
      const shown = JSON.stringify(address);
      throw new TypeError(
        `Cannot deliver: address is ${shown}, expected ASCII without spaces and brackets`,
      );
    }
    if (isASCII(content)) return "";
    if (this.#extensions.has("8BITMIME")) return " BODY=8BITMIME";
    throw new TypeError(
      "Cannot deliver: the mail is not ASCII, and the server has no 8BITMIME",
    );
  }
}

function isAccepted({ code }: Reply): boolean {
  return code < 400;
}

function accepted(command: string, reply: Reply): Reply {
  if (isAccepted(reply)) return reply;
  throw new SmtpError(command, reply);
}

function isASCII(text: string): boolean {
  return !/[\x80-\uffff]/.test(text);
}
