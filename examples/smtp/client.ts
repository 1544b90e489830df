import {
  AsyncProtocol,
  type AsyncProtocolOptions,
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

/** The code of a server that ends the session, whatever it was asked (§3.8). */
const SHUTTING_DOWN = 421;

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
   * Delivers a mail, after those that were asked for before. If it is given up in
   * the middle, the session ends: there is no other way out of it.
   *
   * @throws {SmtpError} The server has refused the mail or all its recipients.
   * @throws {StateError} There is no session: the mail was not delivered.
   * @throws {CallError} There was no answer. If `sent` is false, the mail was not
   * delivered and can be sent again; otherwise it may have been.
   */
  async deliver(mail: Mail, { signal }: WaitOptions = {}): Promise<Delivery> {
    const delivery = this.#last.then(async () => {
      signal?.throwIfAborted();
      this.assertRunning();
      const commands = this.#commandsOf(mail);
      try {
        return await this.#deliver(mail, commands, signal);
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
      const error = refusal(command || "Greeting", reply);
      if (error) throw error;
      return reply.lines;
    };
    const hello = async () => {
      const [, ...lines] = await ask(`EHLO ${clientName}`);
      const words = lines.map((line) => line.replace(/ .*/, "").toUpperCase());
      this.#extensions = new Set(words);
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
    const isLast = reply.code === SHUTTING_DOWN;
    if (isLast || !call) throw new SmtpError("Session", reply);
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

  /** The commands before the content, if the mail can be delivered with them. */
  #commandsOf({ from, to, content }: Mail): string[] {
    if (to.length === 0) throw new TypeError("Cannot deliver: to is empty");
    for (const address of [from, ...to]) {
      if (/^[!-~]*$/.test(address) && !/[<>]/.test(address)) continue;
      const shown = JSON.stringify(address);
      throw new TypeError(
        `Cannot deliver: address is ${shown}, expected ASCII without spaces and brackets`,
      );
    }
    const isASCII = /^[\0-\x7f]*$/.test(content);
    if (!isASCII && !this.#extensions.has("8BITMIME")) {
      throw new TypeError(
        "Cannot deliver: the mail is not ASCII, and the server has no 8BITMIME",
      );
    }
    const sender = `MAIL FROM:<${from}>${isASCII ? "" : " BODY=8BITMIME"}`;
    const recipients = to.map((recipient) => `RCPT TO:<${recipient}>`);
    return [sender, ...recipients, "DATA"];
  }

  /** One transaction: MAIL, RCPT for each recipient, DATA, and the content. */
  async #deliver(
    { to, content }: Mail,
    commands: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Delivery> {
    const { pipelining = this.#extensions.has("PIPELINING") } = this.#options;
    const errors: Promise<SmtpError | undefined>[] = [];
    for (const command of commands) {
      const reply = this.#ask(command, signal);
      errors.push(reply.then((reply) => refusal(command, reply)));
      if (!pipelining) await errors.at(-1);
    }
    const [senderError, ...recipientErrors] = await Promise.all(errors);
    const dataError = recipientErrors.pop();
    const areAllRefused = recipientErrors.every((error) => error);
    const mailError = senderError ??
      (areAllRefused ? recipientErrors[0] : undefined);
    // Even if it has no recipient, content that is asked for must end (RFC 2920).
    const end = { content: mailError ? "" : content };
    const reply = await this.#ask(dataError ? "RSET" : end, signal);
    const error = mailError ?? dataError ?? refusal("Content", reply);
    if (error) throw error;
    const refused = new Map<string, SmtpError>();
    for (const [i, recipient] of to.entries()) {
      const error = recipientErrors[i];
      if (error) refused.set(recipient, error);
    }
    return { reply: reply.lines.join("\n"), refused };
  }

  /** Sends a command or the content, and waits for the reply to it. */
  #ask(request: Request, signal: AbortSignal | undefined): Promise<Reply> {
    const { timeout = 300_000 } = this.#options;
    const isCommand = typeof request === "string";
    const method = isCommand ? request : "content";
    return this.sendCall(this.#calls, { method, signal, timeout }, (call) => {
      call.sent = !isCommand; // before its content is sent, no mail is delivered
      return request;
    });
  }
}

/** The error of a reply that is not positive (§4.2.1). */
function refusal(command: string, reply: Reply): SmtpError | undefined {
  const positive = command === "DATA" ? 3 : 2;
  const isPositive = Math.floor(reply.code / 100) === positive;
  return isPositive ? undefined : new SmtpError(command, reply);
}
