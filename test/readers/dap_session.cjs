// A whole debugging session of a real client: what VS Code's own testers use. Prints what it saw, as JSON; the test
// says what that has to be. Arguments: the folder of packages, and how to debug, as JSON:
//
//   {"port": 4711 | null, "mix": "mix", "cwd": "...", "request": "launch", "arguments": {...}, "file": "...",
//    "stop": {"line": 1, "condition": "..."}, "log": {"line": 2, "message": "..."}, "evaluate": "...", "answers": [...]}

const path = require("node:path");
const [modules, text] = process.argv.slice(2);
const { DebugClient } = require(path.join(modules, "@vscode/debugadapter-testsupport"));

const how = JSON.parse(text);
const seen = { events: [], outputs: [], breakpoints: {} };
// Quiet, as Mix compiles before the adapter begins, and says so on standard output.
const env = { ...process.env, MIX_QUIET: "1" };
const client = new DebugClient(how.mix, "scope.dap", "elixirScope", { cwd: how.cwd, env });
// Time is the gate's, which ends what hangs.
client.defaultTimeout = 0;

const waiting = [];

function wait(what, holds) {
  return new Promise((resolve) => {
    const look = () => {
      const found = holds();
      if (found) resolve(found);
      return Boolean(found);
    };
    if (!look()) waiting.push({ what, look });
  });
}

function heard(event) {
  seen.events.push(event.event);
  if (event.event === "output") seen.outputs.push(event.body);
  if (event.event === "stopped") stops.push(event.body);
  if (event.event === "breakpoint") seen.breakpoints[event.body.breakpoint.id] = event.body.breakpoint;
  if (event.event === "elixirScope.dependencies") answer(event.body);
  const left = waiting.filter(({ look }) => !look());
  waiting.length = 0;
  waiting.push(...left);
}

const stops = [];
seen.asked = [];

// The editor's part where it is asked which modules a breakpoint needs.
function answer(question) {
  seen.asked.push({ file: question.file, line: question.line });
  client.customRequest("elixirScope/dependencies", { id: question.id, modules: how.answers || [] }).catch(() => undefined);
}

const ended = () => seen.events.includes("terminated");
const printed = (category) =>
  seen.outputs.filter((output) => output.category === category).map((output) => output.output).join("");

async function place(threadId) {
  const { body } = await client.stackTraceRequest({ threadId });
  const [frame] = body.stackFrames;
  const scopes = await client.scopesRequest({ frameId: frame.id });
  const variables = {};
  for (const scope of scopes.body.scopes) {
    const inner = await client.variablesRequest({ variablesReference: scope.variablesReference });
    for (const variable of inner.body.variables) variables[variable.name] = variable.value;
  }
  return { line: frame.line, name: frame.name, file: frame.source && frame.source.path, frames: body.stackFrames.length, variables, id: frame.id };
}

async function nextStop(count) {
  return wait(`stop ${count}`, () => (ended() ? { ended: true } : stops[count - 1]));
}

async function session() {
  await client.start(how.port || undefined);
  // What it complains about is of interest where nothing else comes.
  const complaints = client._adapterProcess && client._adapterProcess.stderr;
  if (complaints) complaints.on("data", (text) => (seen.complaints = `${seen.complaints || ""}${text}`.slice(-4_000)));
  client.on("output", heard);
  for (const name of ["initialized", "stopped", "continued", "exited", "terminated", "thread", "process", "breakpoint"]) client.on(name, heard);
  client.on("elixirScope.dependencies", heard);

  const initialized = await client.initializeRequest();
  seen.capabilities = initialized.body;
  const begun = how.request === "attach" ? client.attachRequest(how.arguments) : client.launchRequest(how.arguments);
  begun.catch(() => undefined);
  await Promise.race([wait("initialized", () => seen.events.includes("initialized")), begun.then(() => wait("initialized", () => seen.events.includes("initialized")))]);

  const lines = [how.stop, how.log].filter(Boolean);
  const set = await client.setBreakpointsRequest({
    source: { path: how.file },
    breakpoints: lines.map(({ line, condition, message }) => ({
      line,
      ...(condition ? { condition } : {}),
      ...(message ? { logMessage: message } : {}),
    })),
  });
  const ids = set.body.breakpoints.map(({ id }) => id);
  for (const breakpoint of set.body.breakpoints) seen.breakpoints[breakpoint.id] ??= breakpoint;
  seen.first = set.body.breakpoints.map(({ verified, line }) => ({ verified, line }));
  seen.functions = (await client.setFunctionBreakpointsRequest({ breakpoints: [] })).body.breakpoints.length;
  await client.setExceptionBreakpointsRequest({ filters: [] });
  if (!how.unverified) await wait("verified", () => ids.every((id) => seen.breakpoints[id].verified));
  seen.set = ids.map((id) => ({ verified: seen.breakpoints[id].verified, line: seen.breakpoints[id].line }));

  await client.configurationDoneRequest();
  await begun;

  const stop = await nextStop(1);
  if (!stop.ended) {
    seen.stop = { reason: stop.reason, ids: (stop.hitBreakpointIds || []).map((id) => ids.indexOf(id)) };
    const { threadId } = stop;
    seen.threads = (await client.threadsRequest()).body.threads.length;
    const { id, ...at } = await place(threadId);
    seen.at = at;
    seen.value = (await client.evaluateRequest({ expression: how.evaluate, frameId: id, context: "repl" })).body.result;
    await client.nextRequest({ threadId });
    const stepped = await nextStop(2);
    const { id: _other, ...next } = await place(threadId);
    seen.stepped = { reason: stepped.reason, ...next };
    await client.continueRequest({ threadId });
  }
  if (how.request === "attach") await wait("the log", () => printed("console").includes(how.until) || printed("stdout").includes(how.until));
  else await wait("the end", ended);
  await client.disconnectRequest({});
}

// What hangs tells what it saw until then.
setTimeout(() => {
  process.stdout.write(JSON.stringify({ ...seen, error: `no end; waits for ${waiting.map(({ what }) => what)}` }), () => process.exit(1));
}, how.limit || 50_000).unref();

// Where the adapter is gone nothing is left to wait for.
process.on("beforeExit", () => {
  process.stdout.write(JSON.stringify({ ...seen, error: "the adapter ended" }), () => process.exit(1));
});

session()
  .then(
    () => {
      seen.printed = printed("stdout");
      process.stdout.write(JSON.stringify(seen), () => process.exit(0));
    },
    (error) => {
      process.stdout.write(JSON.stringify({ ...seen, error: String(error && error.stack) }), () => process.exit(1));
    },
  );
