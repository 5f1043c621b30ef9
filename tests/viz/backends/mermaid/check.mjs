// Reads {name: text} as JSON from standard input, parses each text with Mermaid, and writes
// {name: the diagram's type, or the error's first lines} as JSON.
import { readFileSync } from 'node:fs';
import { JSDOM } from 'jsdom';

// Mermaid expects a browser.
const dom = new JSDOM('<!doctype html><body></body>');
globalThis.window = dom.window;
globalThis.document = dom.window.document;
const mermaid = (await import('mermaid')).default;
mermaid.initialize({ startOnLoad: false });

const answers = {};
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  try {
    answers[name] = (await mermaid.parse(text)).diagramType;
  } catch (error) {
    answers[name] = `error: ${String(error.message).split('\n').slice(0, 3).join(' ')}`;
  }
}
console.log(JSON.stringify(answers));
