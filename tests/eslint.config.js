import js from "@eslint/js";

const runtime = Object.fromEntries(
  ["DOMException", "Float16Array", "InternalError", "globalThis", "load"].map((name) => [name, "readonly"]),
);

export default [
  { ignores: ["node_modules/"] },
  js.configs.recommended,
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: runtime },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-control-regex": "off",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
];
