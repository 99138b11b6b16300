// What reflection says of the global object, where the engine or the lazy interfaces would have it say something else.
import {
  ObjectConstructor,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetOwnPropertyDescriptors,
  ObjectGetOwnPropertyNames,
  ObjectGetPrototypeOf,
  ObjectPrototype,
  ObjectSetPrototypeOf,
  ReflectApply,
  ReflectGetOwnPropertyDescriptor,
  ReflectObject,
  ReflectSetPrototypeOf,
  SafeSet,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { hideSource } from "../infra/native_functions.js";

/** Replaces methods of an object of the language, and keeps the rest of their properties. */
function replace(object, methods) {
  const names = ObjectGetOwnPropertyNames(methods);
  for (let i = 0; i < names.length; i++) {
    const descriptor = ObjectGetOwnPropertyDescriptor(object, names[i]);
    descriptor.value = methods[names[i]];
    hideSource(descriptor.value);
    ObjectDefineProperty(object, names[i], descriptor);
  }
}

/**
 * A lazy global has the descriptor of a data property, whoever asks.
 *
 * @param reveal makes the global of a name be there, if there is one that waits
 */
export function hideLazyGlobals(reveal) {
  replace(ObjectConstructor, {
    getOwnPropertyDescriptor(target, key) {
      if (target === globalThis) reveal(key);
      return ObjectGetOwnPropertyDescriptor(target, key);
    },
    getOwnPropertyDescriptors(target) {
      if (target === globalThis) {
        const names = ObjectGetOwnPropertyNames(target);
        for (let i = 0; i < names.length; i++) reveal(names[i]);
      }
      return ObjectGetOwnPropertyDescriptors(target);
    },
  });
  replace(ReflectObject, {
    getOwnPropertyDescriptor(target, key) {
      if (target === globalThis) reveal(key);
      return ReflectGetOwnPropertyDescriptor(target, key);
    },
  });
}

// https://webidl.spec.whatwg.org/#platform-object-setprototypeof and #interface-prototype-object: the global object
// and its prototypes are immutable prototype exotic objects.
export function fixGlobalPrototypes() {
  const fixed = new SafeSet();
  let prototype = globalThis;
  for (; prototype !== ObjectPrototype; prototype = ObjectGetPrototypeOf(prototype)) fixed.add(prototype);
  const refuses = (target, value) => fixed.has(target) && ObjectGetPrototypeOf(target) !== value;
  const immutable = () => new TypeErrorConstructor("Immutable prototype object cannot have its prototype set");

  replace(ObjectConstructor, {
    setPrototypeOf(target, value) {
      if (refuses(target, value)) throw immutable();
      return ObjectSetPrototypeOf(target, value);
    },
  });
  replace(ReflectObject, {
    setPrototypeOf(target, value) {
      return !refuses(target, value) && ReflectSetPrototypeOf(target, value);
    },
  });
  const { get, set } = ObjectGetOwnPropertyDescriptor(ObjectPrototype, "__proto__");
  const { set: setter } = ObjectGetOwnPropertyDescriptor(
    {
      set __proto__(value) {
        if (refuses(this ?? globalThis, value)) throw immutable();
        ReflectApply(set, this, [value]);
      },
    },
    "__proto__",
  );
  hideSource(setter);
  ObjectDefineProperty(ObjectPrototype, "__proto__", { __proto__: null, get, set: setter });
}
