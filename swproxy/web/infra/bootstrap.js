// The first script in every engine, and the only one that is not a module: it takes dukpy's two globals away,
// remembers the host function, loads the runtime's modules and writes the stacks of errors.
(() => {
  "use strict";
  const { call_python: callPython, dukpy: setup } = globalThis;
  const { token, internalFrames, runtimeLine } = setup;
  const { defineProperty, freeze } = Object;
  const { apply, deleteProperty, getOwnPropertyDescriptor } = Reflect;
  const globalEval = eval;
  const { repeat } = String.prototype;
  const errorToString = Error.prototype.toString;
  const objectToString = Object.prototype.toString;

  // Sources: dukpy gives every classic script the same file name, so that each gets lines of its own.
  // Scripts of the site are told apart by the line in "<dukpy>", modules of the runtime by that in "<input>".
  const siteBases = [];
  const siteUrls = [];
  const runtimeBases = [];
  const runtimePaths = [];

  function place(bases, names, line) {
    let low = 0;
    let high = bases.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bases[middle] <= line) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : { name: names[low - 1], line: line - bases[low - 1] + 1 };
  }

  function frame(site) {
    const file = site.getFileName();
    let line = site.getLineNumber();
    let name = file;
    if (file === "<dukpy>") {
      const found = place(siteBases, siteUrls, line);
      if (found === null) return "";
      ({ name, line } = found);
    } else if (file === "<input>") {
      if (line >= runtimeLine) {
        if (!internalFrames) return "";
        ({ name, line } = place(runtimeBases, runtimePaths, line));
      } else {
        name = "<anonymous>";
      }
    } else if (typeof file !== "string" || line < 0) {
      return "";
    }
    if (name === "swproxy:entry" || name === "swproxy:linked" || name === "swproxy:dynamic-import") return "";
    const where = `${name}:${line}:${site.getColumnNumber()}`;
    const called = site.getFunctionName();
    return called && called !== "<eval>" && called !== "<anonymous>" && called !== "<null>"
      ? `\n    at ${called} (${where})`
      : `\n    at ${where}`;
  }

  // What reached the top uncaught: dukpy turns it into text with toString() and so shows it to us.
  let lastThrown;
  function watchToString(prototype, original) {
    const watched = {
      toString() {
        lastThrown = this;
        return apply(original, this, []);
      },
    };
    defineProperty(prototype, "toString", {
      __proto__: null,
      value: watched.toString,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  }
  watchToString(Error.prototype, errorToString);
  watchToString(Object.prototype, objectToString);

  Error.prepareStackTrace = (error, sites) => {
    let stack;
    try {
      stack = apply(errorToString, error, []);
    } catch {
      stack = "Error";
    }
    for (let i = 0; i < sites.length; i++) stack += frame(sites[i]);
    return stack;
  };
  delete Error.prepareStackTrace; // the engine keeps the function; a script that sets its own changes nothing

  // Modules of the runtime: see realm/runtime.py for the form in which they arrive.
  const loaded = { __proto__: null };
  function load(path) {
    const known = loaded[path];
    if (known !== undefined) return known;
    const { source, line } = host("op_runtime_source", path);
    runtimeBases[runtimeBases.length] = line;
    runtimePaths[runtimePaths.length] = path;
    return (loaded[path] = globalEval(apply(repeat, "\n", [line - 1]) + source)(load, host));
  }

  /**
   * Calls a host function. What it answers is returned, undefined for None; an error is thrown. If the answer is
   * not there yet, this is a promise of it.
   */
  function host() {
    const answer = call(arguments);
    if (answer === undefined) return undefined;
    if (answer.length === 1) return answer[0];
    if (answer.length === 2) throw errorOf(answer[0], answer[1]);
    return new PromiseConstructor((resolve, reject) => {
      pending[answer[0]] = { resolve, reject };
    });
  }

  // The arguments travel as JSON: a toJSON of the site's must not have a say in what they are.
  const ArrayPrototype = Array.prototype;
  const ObjectPrototype = Object.prototype;
  function call(values) {
    return "toJSON" in ArrayPrototype ? callShielded(values) : apply(callPython, undefined, values);
  }
  function callShielded(values) {
    const ofArrays = getOwnPropertyDescriptor(ArrayPrototype, "toJSON");
    const ofObjects = getOwnPropertyDescriptor(ObjectPrototype, "toJSON");
    const gone = deleteProperty(ArrayPrototype, "toJSON") && deleteProperty(ObjectPrototype, "toJSON");
    try {
      if (!gone) throw new TypeErrorConstructor("A toJSON that cannot be removed is in the way.");
      return apply(callPython, undefined, values);
    } finally {
      if (ofArrays !== undefined) defineProperty(ArrayPrototype, "toJSON", ofArrays);
      if (ofObjects !== undefined) defineProperty(ObjectPrototype, "toJSON", ofObjects);
    }
  }

  const TypeErrorConstructor = TypeError;
  const PromiseConstructor = Promise;
  const pending = { __proto__: null };
  function settle({ id, value, error }) {
    const { resolve, reject } = pending[id];
    delete pending[id];
    if (error) reject(errorOf(error[0], error[1]));
    else resolve(value ?? undefined);
  }

  const errors = { __proto__: null, TypeError, RangeError, SyntaxError, InternalError };
  const DOMExceptionConstructor = DOMException;
  function errorOf(name, message) {
    if (name === "QuotaExceededError") {
      const { QuotaExceededError } = load("webidl/quota_exceeded_error.js");
      return new QuotaExceededError(message);
    }
    const NativeError = errors[name];
    return NativeError === undefined ? new DOMExceptionConstructor(message, name) : new NativeError(message);
  }

  let receive = () => {};
  let turns = 0;
  function turn(message) {
    if (message === 0 || message === 1) {
      call(["op_completed", message]);
    } else if (message?.token === token) {
      if (message.kind === "source") {
        siteBases[siteBases.length] = message.base;
        siteUrls[siteUrls.length] = message.url;
      } else if (message.kind === "turn") {
        turns++;
        const next = call(["op_next_message"])[0];
        if (next.kind === "settle") settle(next);
        else receive(next);
      }
    }
  }
  const hidden = (set) => ({ __proto__: null, get: () => undefined, set, enumerable: false, configurable: false });
  delete globalThis.call_python;
  delete globalThis.dukpy;
  defineProperty(
    globalThis,
    "call_python",
    hidden(() => {}),
  );
  defineProperty(globalThis, "dukpy", hidden(turn));

  loaded["swproxy:bootstrap"] = freeze({
    errorOf,
    globalEval,
    loadByPath: load,
    /** The function that gets the message of each turn. */
    setReceiver(receiver) {
      receive = receiver;
    },
    /** How many turns have begun: what is done in one of them is over, microtasks included, when there is a new number. */
    turnNumber: () => turns,
    /** The value that the last uncaught exception or unhandled rejection carried, and forgets it. */
    takeThrown() {
      const thrown = lastThrown;
      lastThrown = undefined;
      return thrown;
    },
  });
  // Until the runtime is there, a turn loads it: its path is the message.
  receive = (message) => load(message.path);
})();
