import { AsyncProtocol, type Codec, lines } from "../../../protocol/mod.ts";

/** A protocol of lines whose hooks a test can set. */
export class Lines extends AsyncProtocol<string> {
  negotiation: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  handler: (line: string) => void | Promise<void> = () => {};

  override send(line: string): Promise<void> {
    return super.send(line);
  }
  override receive(): Promise<string> {
    return super.receive();
  }
  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override negotiate(signal: AbortSignal): Promise<void> {
    return this.negotiation(signal);
  }
  protected override onMessage(line: string): void | Promise<void> {
    return this.handler(line);
  }
}
