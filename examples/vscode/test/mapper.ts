// Plays the port mapper: nodes are registered while their connection stays open.

import { createServer, type Server, type Socket } from "node:net";

export class Mapper {
  readonly ports = new Map<string, number>();
  private readonly server: Server = createServer((socket) => this.serve(socket));
  private readonly open = new Set<Socket>();

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return (this.server.address() as { port: number }).port;
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.open.delete(socket));
    socket.on("data", (bytes) => this.asked(socket, bytes));
  }

  private asked(socket: Socket, bytes: Buffer): void {
    if (bytes[2] === 120) {
      const name = bytes.subarray(13, 13 + bytes.readUInt16BE(11)).toString();
      this.ports.set(name, bytes.readUInt16BE(3));
      socket.on("close", () => this.ports.delete(name));
      socket.write(Buffer.from([121, 0, 0, 1]));
    } else {
      const port = this.ports.get(bytes.subarray(3).toString());
      socket.end(port === undefined ? Buffer.from([119, 1]) : Buffer.from([119, 0, port >> 8, port & 255, 77, 0]));
    }
  }
}
