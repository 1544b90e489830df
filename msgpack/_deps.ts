export { decode, encode } from "npm:@msgpack/msgpack@3.1.3";
