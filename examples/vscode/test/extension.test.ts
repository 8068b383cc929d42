import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { recorded, reset, stub } from "./vscode";
import { alive, eventually, EXTENSION, World } from "./nodes";
// Behind the stub: it is what the extension finds as `vscode`.
import { activate, deactivate, type Manager } from "../src/extension";

type Any = any; // what an editor would hand in, as far as it is looked at

describe("the extension", () => {
  let world: World;
  let manager: Manager;
  const environment = { ...process.env };
  const context = () => ({ extensionPath: EXTENSION, subscriptions: [] as { dispose(): void }[] });

  beforeEach(async () => {
    reset();
    world = new World();
    await world.begin();
    Object.assign(process.env, world.env);
    recorded.settings.set("mix", world.mix);
    recorded.folders = [{ uri: { fsPath: world.folder } }];
    manager = activate(context() as Any);
  });

  afterEach(async () => {
    await deactivate();
    await world.end();
    for (const name of ["ERL_EPMD_PORT", "REPORT"]) delete process.env[name];
    Object.assign(process.env, environment);
  });

  const configuration = (more = {}): Any => ({ type: "elixirScope", request: "launch", name: "x", ...more });
  const folder = (): Any => ({ uri: { fsPath: world.folder } });
  const session = (more = {}): Any => ({ type: "elixirScope", configuration: configuration(more), workspaceFolder: folder() });

  test("has every command that it says it has, and no other", () => {
    const manifest = require(path.join(EXTENSION, "package.json"));
    const said = manifest.contributes.commands.map((command: Any) => command.command);
    assert.deepEqual([...recorded.commands.keys()].sort(), said.sort());
  });

  test("starts an adapter over standard input and output, in the project's folder", () => {
    const descriptor = manager.createDebugAdapterDescriptor(session({ projectDir: "apps/shop" })) as Any;
    assert.deepEqual([descriptor.command, descriptor.args], [world.mix, ["scope.dap"]]);
    assert.deepEqual(descriptor.options, {
      cwd: path.join(world.folder, "apps/shop"),
      env: { MIX_QUIET: "1" },
    });
  });

  test("or connects to one that runs", () => {
    recorded.settings.set("adapter", "127.0.0.1:4711");
    const descriptor = manager.createDebugAdapterDescriptor(session()) as Any;
    assert.deepEqual([descriptor.host, descriptor.port], ["127.0.0.1", 4711]);
    for (const wrong of ["x", "host:", "host:0", "host:70000", "host:1.5"]) {
      recorded.settings.set("adapter", wrong);
      assert.throws(() => manager.createDebugAdapterDescriptor(session()), /expected host:port/);
    }
  });

  test("lets sessions share a language node where that is set", async () => {
    const plain = await manager.resolveDebugConfigurationWithSubstitutedVariables(folder(), configuration());
    assert.equal((plain as Any).languageNode, undefined);
    recorded.settings.set("shareLanguageNode", true);
    const [one, other] = await Promise.all(
      [1, 2].map(() => manager.resolveDebugConfigurationWithSubstitutedVariables(folder(), configuration())),
    );
    assert.match((one as Any).languageNode, /^scope-language-/);
    assert.equal((one as Any).languageNode, (other as Any).languageNode);
    assert.equal(world.told().length, 1);
    const adapter = manager.createDebugAdapterDescriptor(session(one as Any)) as Any;
    assert.equal(adapter.options.env.SCOPE_COOKIE, world.told()[0]?.cookie);
    const foreign = manager.createDebugAdapterDescriptor(session({ languageNode: "l@h" })) as Any;
    assert.deepEqual(foreign.options.env, { MIX_QUIET: "1" });
  });

  test("but not where the configuration says otherwise", async () => {
    recorded.settings.set("shareLanguageNode", true);
    for (const more of [
      { languageNode: "none" },
      { request: "attach" },
      { coordinationMode: "extension" },
      { distributedDebugging: { enabled: false } },
    ]) {
      const given = configuration(more);
      assert.equal(await manager.resolveDebugConfigurationWithSubstitutedVariables(folder(), given), given);
    }
    assert.equal(world.told().length, 0);
  });

  test("a session begins without a shared language node when none comes up", async () => {
    recorded.settings.set("shareLanguageNode", true);
    recorded.settings.set("mix", "/no/such/mix");
    const given = configuration();
    assert.equal(await manager.resolveDebugConfigurationWithSubstitutedVariables(folder(), given), given);
    assert.match(recorded.output.join(""), /no shared language node/);
  });

  test("F5 without a configuration runs the project", () => {
    assert.equal((manager.resolveDebugConfiguration(undefined, {} as Any) as Any).task, "run");
    const given = configuration();
    assert.equal(manager.resolveDebugConfiguration(undefined, given), given);
  });

  test("answers what the adapter asks, from the file's text", async () => {
    const file = path.join(world.folder, "cart.ex");
    writeFileSync(file, "defmodule Shop.Cart do\n  def add(c), do: Shop.Store.put(c)\nend\n");
    const requests: unknown[][] = [];
    const asking = { type: "elixirScope", customRequest: async (...request: unknown[]) => requests.push(request) };
    const event = "elixirScope.dependencies";
    await recorded.listener?.({ session: asking, event, body: { id: 7, file, line: 2 } });
    await recorded.listener?.({ session: asking, event, body: { id: 8, file: "/no/such.ex", line: 2 } });
    await recorded.listener?.({ session: asking, event, body: { id: "x" } });
    await recorded.listener?.({ session: asking, event: "other", body: { id: 9, file, line: 2 } });
    await recorded.listener?.({ session: { ...asking, type: "node" }, event, body: { id: 9, file, line: 2 } });
    assert.deepEqual(requests[0], ["elixirScope/dependencies", { id: 7, modules: ["Shop.Cart", "Shop.Store"] }]);
    assert.match(JSON.stringify(requests[1]), /"id":8,"error":"ENOENT/);
    assert.equal(requests.length, 2);
  });

  test("traces from the frame or the process that is chosen", async () => {
    const requests: unknown[][] = [];
    const trace = recorded.commands.get("elixirScope.traceFromHere");
    await trace?.();
    assert.match(recorded.errors[0] ?? "", /no process stands stopped/);
    stub.debug.activeDebugSession = { type: "elixirScope", customRequest: async (...r: unknown[]) => requests.push(r) };
    stub.debug.activeStackItem = new stub.DebugStackFrame(undefined, 3, 9);
    await trace?.();
    stub.debug.activeStackItem = { threadId: 4 };
    await trace?.();
    assert.deepEqual(requests, [
      ["elixirScope/traceFromHere", { threadId: 3, frameId: 9 }],
      ["elixirScope/traceFromHere", { threadId: 4 }],
    ]);
  });

  test("starts a node and attaches to it, shows the nodes, and ends them", async () => {
    await recorded.commands.get("elixirScope.startDebugAdapterNode")?.();
    assert.deepEqual(recorded.errors, []);
    const [language, debug] = world.told();
    assert.deepEqual(recorded.started, [
      configuration({
        request: "attach",
        name: debug?.name,
        node: debug?.name,
        projectDir: world.folder,
        languageNode: language?.name,
      }),
    ]);
    await recorded.commands.get("elixirScope.verifyNodeConnectivity")?.();
    assert.equal(recorded.told[0], `language: ${language?.name} answers; debug: ${debug?.name} answers`);
    await recorded.commands.get("elixirScope.cleanupDistributedSession")?.();
    for (const { pid } of world.told()) await eventually("the node is gone", () => !alive(pid));
    await recorded.commands.get("elixirScope.verifyNodeConnectivity")?.();
    assert.equal(recorded.told[1], "no node was started for this folder");
  });

  test("ends the nodes when it is deactivated", async () => {
    await recorded.commands.get("elixirScope.startLanguageServerNode")?.();
    const [node] = world.told();
    assert.ok(node && alive(node.pid));
    await deactivate();
    await eventually("the node is gone", () => !alive(node.pid));
  });

  test("says what to do without a folder", async () => {
    recorded.folders = undefined;
    await recorded.commands.get("elixirScope.startLanguageServerNode")?.();
    assert.match(recorded.errors[0] ?? "", /open the folder of a project first/);
  });
});
