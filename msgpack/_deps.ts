export {
  encode,
  type EncoderOptions,
  type ExtData,
  ExtensionCodec,
} from "npm:@msgpack/msgpack@3.1.3";
