// https://html.spec.whatwg.org/#environment-settings-object: where and what this worker is. Set once, before its
// script runs.

const settings = {
  __proto__: null,
  url: "about:blank",
  origin: "null",
  onLine: true,
  isModule: false,
  mayCompile: true,
};

/** The worker's own URL and the API base URL, which are the same. */
export const baseURL = () => settings.url;
export const origin = () => settings.origin;
export const isOnLine = () => settings.onLine;
/** Whether the worker's script is a module. */
export const isModule = () => settings.isModule;

/** Whether it may make code of strings. */
export const mayCompile = () => settings.mayCompile;

export function setEnvironment({ url, origin: value, onLine, isModule: module, mayCompile: compiles }) {
  settings.url = url;
  settings.origin = value;
  settings.onLine = onLine;
  settings.isModule = module;
  settings.mayCompile = compiles;
}

export function setOnLine(value) {
  settings.onLine = value;
}
