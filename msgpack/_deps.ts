export {
  decode,
  encode,
  ExtensionCodec,
  type ExtensionCodecType,
} from "npm:@msgpack/msgpack@3.1.3";
