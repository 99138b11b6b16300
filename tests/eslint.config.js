import js from "@eslint/js";

const readonly = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

export default [
  { ignores: ["**/node_modules/", "**/.venv/"] },
  js.configs.recommended,
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: readonly("DOMException", "Float16Array", "InternalError", "globalThis", "load"),
    },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-control-regex": "off",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["**/demo/site/*.js", "**/bench/*.js"],
    languageOptions: {
      globals: readonly(
        ...["Response", "URL", "caches", "clients", "document", "fetch", "indexedDB", "performance", "self"],
      ),
    },
  },
  {
    files: ["**/page_client/script/*.js"],
    languageOptions: {
      globals: readonly(
        ...[
          "Crypto",
          "DOMMatrixReadOnly",
          "DOMPointReadOnly",
          "DOMQuad",
          "DOMRectReadOnly",
          "Document",
          "Element",
          "File",
        ],
        ...["HTMLIFrameElement", "ImageData", "MessageEvent", "MutationObserver", "Navigator", "Node"],
        ...["AbortSignal", "ReadableStreamDefaultController", "WritableStreamDefaultController"],
        ...["NavigateEvent", "NavigationDestination", "UserActivation", "navigation"],
        ...["console", "isSecureContext", "self"],
      ),
    },
  },
  {
    files: ["**/wpt/wrapper.js"],
    languageOptions: { globals: readonly("Response", "importScripts", "self") },
  },
  {
    files: ["**/wpt/page_report.js"],
    languageOptions: { globals: readonly("add_completion_callback", "console", "self", "setup") },
  },
  {
    files: ["**/e2e/libraries/*.js"],
    languageOptions: {
      globals: readonly(
        ...["Blob", "IDBKeyRange", "Response", "URL", "VERSION", "caches", "idb", "idbKeyval", "importScripts"],
        ...["localforage", "self"],
      ),
    },
  },
  {
    // Scripts of pages, and workers: not modules, and they see each other's names.
    files: ["**/e2e/apps/**/*.js"],
    languageOptions: {
      sourceType: "script",
      globals: readonly(
        ...[
          "MockServiceWorker",
          "OffscreenCanvas",
          "ReadableStream",
          "TextEncoder",
          "URL",
          "VideoEncoder",
          "VideoFrame",
        ],
        ...["caches", "document", "fetch", "importScripts", "navigator", "self", "window", "workbox"],
      ),
    },
    rules: { "no-unused-vars": ["error", { vars: "local" }] },
  },
  {
    files: ["**/tests/**/*.mjs"],
    languageOptions: { globals: readonly("console", "process") },
  },
];
