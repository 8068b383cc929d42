// What Mermaid's own parser makes of a diagram: node mermaid.mjs FOLDER FILE
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, path] = process.argv.slice(2);
const { JSDOM } = createRequire(`${folder}/`)('jsdom');
const { window } = new JSDOM('');
Object.assign(globalThis, { window, document: window.document, Option: window.Option });
const entry = `${folder}/node_modules/mermaid/dist/mermaid.core.mjs`;
const { default: mermaid } = await import(pathToFileURL(entry));
const text = fs.readFileSync(path, 'utf8');
mermaid.initialize({ maxTextSize: 10_000_000 });
try {
  await mermaid.parse(text);
  const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const messages = db.getMessages();
  console.log(JSON.stringify({
    type,
    actors: [...db.getActors().values()].map((actor) => actor.description),
    messages: messages.length,
    arrows: messages.filter((message) => message.to && message.from && message.placement === undefined).length,
  }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error.message ?? error) }));
}
