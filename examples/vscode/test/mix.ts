// Plays `mix scope.node` in tests: registers at a port mapper as a node does, listens, and ends when told. Its own
// behaviour is chosen by what the environment says.

import { createServer, connect } from "node:net";
import { appendFileSync } from "node:fs";

const name = process.env["ELIXIR_SCOPE_NODE_NAME"] ?? "";
const mapper = Number(process.env["ERL_EPMD_PORT"]);
const report = process.env["REPORT"] ?? "";

appendFileSync(
  report,
  JSON.stringify({
    pid: process.pid,
    args: process.argv.slice(2),
    name,
    cwd: process.cwd(),
    cookie: process.env["ELIXIR_SCOPE_COOKIE"],
    mode: process.env["ELIXIR_SCOPE_DISTRIBUTED_MODE"],
    language: process.env["ELIXIR_SCOPE_LANGUAGE_SERVER_NODE"],
  }) + "\n",
);

if (process.env["FAKE"] === "fails") {
  process.stderr.write("it does not compile\n");
  process.exit(3);
}
if (process.env["FAKE"] === "stubborn") process.on("SIGTERM", () => undefined);

const server = createServer((socket) => socket.end());
server.listen(0, "127.0.0.1", () => {
  if (process.env["FAKE"] === "silent") return;
  const { port } = server.address() as { port: number };
  const alive = Buffer.from(name.split("@")[0] ?? "");
  const body = Buffer.alloc(11);
  body.writeUInt8(120, 0);
  body.writeUInt16BE(port, 1);
  body.writeUInt8(77, 3);
  body.writeUInt8(0, 4);
  body.writeUInt16BE(6, 5);
  body.writeUInt16BE(5, 7);
  body.writeUInt16BE(alive.length, 9);
  const packet = Buffer.concat([body, alive, Buffer.from([0, 0])]);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(packet.length, 0);
  const socket = connect(mapper, "127.0.0.1", () => socket.write(Buffer.concat([head, packet])));
});
