import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { DistributedSession } from "../src/distributed";
import { alive, eventually, KEEPER, World } from "./nodes";

describe("the nodes of a folder", () => {
  let world: World;
  let session: DistributedSession | undefined;

  beforeEach(async () => {
    world = new World();
    await world.begin();
  });

  afterEach(async () => {
    await session?.cleanupDistributedSession();
    session = undefined;
    await world.end();
  });

  test("are started by what the environment says, and answer", async () => {
    session = new DistributedSession(world.settings());
    const language = await session.initializeDistributedDebugging();
    const debug = await session.startDebugAdapterNode(["test", "--trace"]);
    const [first, second] = world.told();

    assert.deepEqual(first?.args, ["scope.node", "--language"]);
    assert.deepEqual(second?.args, ["scope.node", "--allow-debug", "--", "test", "--trace"]);
    assert.deepEqual([first?.name, second?.name], [language, debug]);
    assert.deepEqual([first?.mode, second?.mode], ["true", "true"]);
    assert.deepEqual([first?.cookie, second?.cookie], [session.cookie, session.cookie]);
    assert.deepEqual([first?.language, second?.language], [undefined, language]);
    assert.notEqual(language, debug);
    assert.deepEqual(await session.verifyNodeConnectivity(), [
      { role: "language", name: language, running: true, reachable: true },
      { role: "debug", name: debug, running: true, reachable: true },
    ]);
    assert.ok(session.owns([undefined, debug]));
    assert.ok(!session.owns(["other@127.0.0.1", undefined]));
  });

  test("a cookie is in no argument, and each session has its own", async () => {
    session = new DistributedSession(world.settings());
    await session.startLanguageServerNode();
    assert.ok(!JSON.stringify(world.told()[0]?.args).includes(session.cookie));
    assert.notEqual(new DistributedSession(world.settings()).cookie, session.cookie);
  });

  test("two who want the same node at once get one, and a dead one is started anew", async () => {
    session = new DistributedSession(world.settings());
    const [one, other] = await Promise.all([session.startLanguageServerNode(), session.startLanguageServerNode()]);
    assert.equal(one, other);
    assert.equal(world.told().length, 1);
    process.kill(world.told()[0]?.pid ?? 0, "SIGKILL");
    await eventually("the node is gone", async () => !(await session!.verifyNodeConnectivity())[0]?.running);
    const again = await session.initializeDistributedDebugging();
    assert.notEqual(again, one);
    assert.equal(world.told().length, 2);
  });

  test("are gone after the clean-up, and none is started then", async () => {
    session = new DistributedSession(world.settings());
    await session.initializeDistributedDebugging();
    await session.startDebugAdapterNode();
    await session.cleanupDistributedSession();
    for (const { pid } of world.told()) await eventually("the process is gone", () => !alive(pid));
    assert.deepEqual(await session.verifyNodeConnectivity(), []);
    await assert.rejects(session.startLanguageServerNode(), /cleaned up/);
  });

  test("one that does not want to end is killed", async () => {
    session = new DistributedSession(world.settings({ fake: "stubborn", keeper: undefined, stopMs: 300 }));
    await session.startLanguageServerNode();
    await session.cleanupDistributedSession();
    for (const { pid } of world.told()) assert.ok(!alive(pid));
  });

  test("one that fails says so, and what it wrote is shown", async () => {
    session = new DistributedSession(world.settings({ fake: "fails" }));
    await assert.rejects(session.startLanguageServerNode(), /ended before it was up/);
    assert.match(world.output.join(""), /it does not compile/);
    assert.match(world.output.join(""), /ended \(3\)/);
  });

  test("one that is never up is ended", async () => {
    session = new DistributedSession(world.settings({ fake: "silent", bootMs: 300 }));
    await assert.rejects(session.startLanguageServerNode(), /not up within 300 ms/);
    for (const { pid } of world.told()) await eventually("the process is gone", () => !alive(pid));
  });

  test("a program that is not there is an error", async () => {
    session = new DistributedSession(world.settings({ mix: "/no/such/mix", keeper: undefined }));
    await assert.rejects(session.startLanguageServerNode(), /ended before it was up/);
  });

  test("end with whoever started them, even by kill -9", async () => {
    const script = `
      const { DistributedSession } = require(${JSON.stringify(path.resolve(__dirname, "../src/distributed.js"))});
      const session = new DistributedSession({ folder: ${JSON.stringify(world.folder)}, mix: ${JSON.stringify(world.mix)},
        bootMs: 20000, keeper: ${JSON.stringify(KEEPER)}, env: process.env, output: () => {} });
      session.initializeDistributedDebugging().then(() => console.log("up"));`;
    const window = spawn(process.execPath, ["-e", script], { env: world.env, stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => window.stdout.once("data", resolve));
    const [node] = world.told();
    assert.ok(node && alive(node.pid));
    window.kill("SIGKILL");
    await eventually("the node has ended with it", () => !alive(node.pid));
  });
});
