// https://html.spec.whatwg.org/#atob
import { op_atob, op_btoa } from "host:ops";
import { DOMExceptionConstructor, RegExpPrototypeTest } from "../infra/primordials.js";

export function atob(data) {
  const decoded = op_atob(data);
  if (decoded === undefined) {
    throw new DOMExceptionConstructor("The string to be decoded is not correctly encoded.", "InvalidCharacterError");
  }
  return decoded;
}

export function btoa(data) {
  if (RegExpPrototypeTest(/[^\0-\xff]/, data)) {
    const message = "The string to be encoded contains characters outside of the Latin1 range.";
    throw new DOMExceptionConstructor(message, "InvalidCharacterError");
  }
  return op_btoa(data);
}
