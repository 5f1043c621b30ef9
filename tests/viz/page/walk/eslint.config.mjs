// For the page's script, and for the scripts that test it. Run from the repository's root:
//   node tests/viz/page/walk/node_modules/eslint/bin/eslint.js \
//     --config tests/viz/page/walk/eslint.config.mjs FILES
import js from "@eslint/js";
import globals from "globals";

const rules = {
  ...js.configs.recommended.rules,
  "array-callback-return": "error",
  complexity: ["error", 12],
  "consistent-return": "error",
  curly: ["error", "multi-line"],
  eqeqeq: "error",
  "max-depth": ["error", 3],
  "max-len": ["error", { code: 100 }],
  "max-lines": ["error", 500],
  "max-lines-per-function": ["error", { max: 50, IIFEs: false }],
  "no-eval": "error",
  "no-implied-eval": "error",
  "no-shadow": "error",
  "no-unused-vars": "error",
  "no-var": "error",
  "prefer-const": "error",
  "prefer-template": "error",
};

// What would read text from outside as markup, or reach out of the page.
const markup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write"];

export default [
  {
    files: ["packages/**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "script", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...rules,
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket", "localStorage"],
      "no-restricted-properties": ["error", ...markup.map((property) => ({ property }))],
      strict: ["error", "global"],
    },
  },
  {
    files: ["tests/**/*.mjs"],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "module",
      globals: { ...globals.node, ...globals.browser },
    },
    rules,
  },
];
