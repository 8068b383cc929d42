// One node as a process of this window: started, watched, ended.

import { spawn, type ChildProcess } from "node:child_process";

/** How a program is started. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What is told of a process while it runs. */
export interface Listener {
  output(text: string): void;
  exited(status: number | null): void;
}

/** How long an orderly end may take before the system ends the process. */
export const STOP_MS = 5_000;
/** So much later, where a keeper has the same bound: ended itself, it could not end its program. */
const KEEPER_MS = 2_000;

/** A running program. It ends with this process, however that ends: `keeper` runs it while a pipe is open. */
export class Child {
  private readonly process: ChildProcess;
  private readonly ended: Promise<number | null>;
  private over = false;

  constructor(
    command: Command,
    private readonly keeper: string | undefined,
    listener: Listener,
  ) {
    const [program, args] = keeper
      ? [keeper, [command.program, ...command.args]]
      : [command.program, [...command.args]];

    this.process = spawn(program, args, { cwd: command.cwd, env: command.env, stdio: ["pipe", "pipe", "pipe"] });
    this.process.stdin?.on("error", () => undefined);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => listener.output(text));
    }
    this.ended = new Promise((resolve) => {
      const done = (status: number | null) => {
        if (this.over) return;
        this.over = true;
        listener.exited(status);
        resolve(status);
      };
      this.process.on("error", (error) => {
        listener.output(`${command.program}: ${error.message}\n`);
        done(null);
      });
      this.process.on("close", (status) => done(status));
    });
  }

  get running(): boolean {
    return !this.over;
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Asks it to end, and returns when it has; what does not end in time is killed. */
  async stop(stopMs: number = STOP_MS): Promise<void> {
    if (this.over) return;
    this.process.stdin?.end();
    this.process.kill("SIGTERM");
    const timer = setTimeout(() => this.process.kill("SIGKILL"), this.keeper ? stopMs + KEEPER_MS : stopMs);
    await this.ended;
    clearTimeout(timer);
  }
}
