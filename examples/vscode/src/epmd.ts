// Whether a node is there, without being one: the port mapper says where it listens, and a connection shows that
// it does.

import { connect, type Socket } from "node:net";

const PORT_PLEASE2 = 122;
const PORT2_RESP = 119;

/** Where the port mapper of this environment listens. */
export function mapperPort(env: NodeJS.ProcessEnv): number {
  const port = Number(env["ERL_EPMD_PORT"]);
  return Number.isInteger(port) && port > 0 ? port : 4369;
}

/** The question for the port of a node, as it goes over the wire. */
export function question(alive: string): Buffer {
  const name = Buffer.from(alive, "utf8");
  const head = Buffer.alloc(3);
  head.writeUInt16BE(name.length + 1, 0);
  head.writeUInt8(PORT_PLEASE2, 2);
  return Buffer.concat([head, name]);
}

/** What the mapper's answer says: the port, or nothing where no such node is registered. */
export function answer(bytes: Buffer): number | undefined {
  if (bytes.length < 4 || bytes[0] !== PORT2_RESP || bytes[1] !== 0) return undefined;
  return bytes.readUInt16BE(2);
}

/** The port at which a registered node listens. */
export function portOf(node: string, mapper: number, timeoutMs: number): Promise<number | undefined> {
  const [alive, host] = split(node);
  return talk(host, mapper, timeoutMs, question(alive)).then((bytes) => (bytes ? answer(bytes) : undefined));
}

/** Whether the node is registered, and takes connections. */
export async function reachable(node: string, mapper: number, timeoutMs: number): Promise<boolean> {
  const port = await portOf(node, mapper, timeoutMs);
  if (port === undefined) return false;
  return (await talk(split(node)[1], port, timeoutMs, undefined)) !== undefined;
}

function split(node: string): [string, string] {
  const at = node.indexOf("@");
  return [node.slice(0, at), node.slice(at + 1)];
}

// What came back until the other side closed; nothing to say is: was somebody there at all.
function talk(host: string, port: number, timeoutMs: number, say: Buffer | undefined): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket: Socket = connect({ host, port });
    const end = (result: Buffer | undefined) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => end(undefined));
    socket.on("error", () => end(undefined));
    socket.on("data", (part) => parts.push(part));
    socket.on("close", () => end(Buffer.concat(parts)));
    socket.on("connect", () => (say ? socket.write(say) : end(Buffer.alloc(0))));
  });
}
