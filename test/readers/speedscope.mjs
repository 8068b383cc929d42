// Whether a file is what speedscope's own schema says, and its frames nest: node speedscope.mjs FOLDER FILE
import fs from 'node:fs';
import { createRequire } from 'node:module';

const [folder, path] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const Ajv = require('ajv');
const schema = JSON.parse(fs.readFileSync(`${folder}/node_modules/speedscope/dist/release/file-format-schema.json`));
const file = JSON.parse(fs.readFileSync(path));
const validate = new (Ajv.default ?? Ajv)({ strict: false }).compile(schema);
const valid = validate(file);
const broken = [];
for (const profile of file.profiles) {
  const open = [];
  let last = profile.startValue;
  for (const { type, frame, at } of profile.events) {
    if (at < last || at > profile.endValue) broken.push(`${profile.name}: ${at} behind ${last}`);
    last = at;
    if (type === 'O') open.push(frame);
    else if (open.pop() !== frame) broken.push(`${profile.name}: ${frame} closed`);
  }
  if (open.length) broken.push(`${profile.name}: ${open.length} open`);
}
console.log(JSON.stringify({
  valid, errors: validate.errors, broken, name: file.name,
  profiles: file.profiles.map((profile) => profile.name),
  frames: file.shared.frames.map((frame) => frame.name),
}));
