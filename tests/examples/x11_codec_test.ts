import { messages, setup } from "../../examples/x11/codec.ts";
import { u16, u32 } from "../../examples/x11/layout.ts";
import { MessageTooLargeError, TruncatedMessageError } from "../../mod.ts";
import { testCodec } from "../../testing/mod.ts";

function unit(...start: number[]): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes.set(start);
  return bytes;
}

const key = unit(2, 38, 7, 0);

const refusal = unit(0, 3, 8, 0);

const reply = Uint8Array.of(...unit(1, 24, 9, 0, 2), ...new Uint8Array(8));

const sent = unit(0x80 | 33, 32, 10, 0);

const keymap = unit(11, 0xff, 0xff, 0xff);

testCodec("the codec of X11's messages", messages, {
  "one of each kind": {
    input: Uint8Array.of(...key, ...refusal, ...reply, ...keymap, ...sent),
    messages: [key, refusal, reply, keymap, sent],
  },
  "a reply that is cut": {
    input: reply.subarray(0, 39),
    messages: [],
    error: { class: TruncatedMessageError, has: { offset: 0, length: 39 } },
  },
  "a reply without an end": {
    input: unit(1, 0, 1, 0, 0, 0, 0, 0xff),
    messages: [],
    error: { class: MessageTooLargeError, has: { offset: 0 } },
  },
}, {
  sized: (size) => {
    const bytes = new Uint8Array(Math.max(32, Math.ceil(size / 4) * 4));
    bytes.set([1, 0, 5, 0, ...u32(bytes.length / 4 - 8)]);
    return bytes;
  },
});

const hello = Uint8Array.of(1, 0, ...u16(11, 0, 2), ...new Uint8Array(8));

testCodec("the codec of X11's set-up", setup, {
  "a server that lets us in": { input: hello, messages: [hello] },
});
