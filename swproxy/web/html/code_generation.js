// https://w3c.github.io/webappsec-csp/#can-compile-strings, where the policy of the worker's script forbids it: what
// makes code of strings is replaced before the script runs.
import { hideSource } from "../infra/native_functions.js";
import {
  EvalErrorConstructor,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ReflectGetOwnPropertyDescriptor,
} from "../infra/primordials.js";

export function refuseCode() {
  throw new EvalErrorConstructor("The policy of the worker's script does not let it make code of strings.");
}

const kinds = [function () {}, function* () {}, async function () {}, async function* () {}];

export function forbidCodeGeneration() {
  for (let i = 0; i < kinds.length; i++) {
    const prototype = ObjectGetPrototypeOf(kinds[i]);
    const { value: constructor } = ReflectGetOwnPropertyDescriptor(prototype, "constructor");
    const refusing = function () {
      refuseCode();
    };
    const properties = ["name", "length", "prototype"];
    for (let j = 0; j < properties.length; j++) {
      ObjectDefineProperty(refusing, properties[j], ReflectGetOwnPropertyDescriptor(constructor, properties[j]));
    }
    replace(prototype, "constructor", refusing);
    if (i === 0) replace(globalThis, "Function", refusing);
  }
  const { eval: refusingEval } = {
    eval(code) {
      return typeof code === "string" ? refuseCode() : code;
    },
  };
  replace(globalThis, "eval", refusingEval);
}

function replace(object, name, value) {
  hideSource(value);
  ObjectDefineProperty(object, name, { ...ReflectGetOwnPropertyDescriptor(object, name), value });
}
