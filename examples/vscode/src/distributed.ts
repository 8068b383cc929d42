// The nodes of a workspace folder: one that knows the code, which all debug sessions of the folder share, and, where
// wanted, one that runs it. They have a cookie of their own and end with the window.

import { Child, type Command } from "./child";
import { mapperPort, reachable } from "./epmd";
import { newCookie, nodeName, unique, type Role } from "./names";

/** What a session is started with. */
export interface Settings {
  /** The folder of the project. */
  readonly folder: string;
  /** The program that runs Mix. */
  readonly mix: string;
  /** How long a node may take to be there; the project is compiled meanwhile. */
  readonly bootMs: number;
  /** How long a node may take to end in order; without it five seconds. */
  readonly stopMs?: number;
  /** What a program is run by that shall end with this process; nothing where there is no shell. */
  readonly keeper: string | undefined;
  /** The environment that nodes start from. */
  readonly env: NodeJS.ProcessEnv;
  /** Who is told what nodes write. */
  readonly output: (text: string) => void;
}

/** What is known of a node. */
export interface NodeState {
  readonly role: Role;
  readonly name: string;
  readonly running: boolean;
  readonly reachable: boolean;
}

interface Started {
  readonly name: string;
  readonly child: Child;
}

/** How often a node that is starting is looked for. */
const LOOK_MS = 200;
/** How long a node may take to answer a connection. */
const ANSWER_MS = 2_000;

export class DistributedSession {
  /** Never shown; adapters that this window starts get it in their environment. */
  readonly cookie = newCookie();
  private readonly id = unique();
  private readonly nodes = new Map<Role, Started>();
  private readonly starting = new Map<Role, Promise<string>>();
  private cleaned = false;

  constructor(private readonly settings: Settings) {}

  /** Starts the language node, verifies it, and returns its name. Called again, it finds the one that runs. */
  async initializeDistributedDebugging(): Promise<string> {
    const name = await this.startLanguageServerNode();
    const states = await this.verifyNodeConnectivity();
    if (!states.some((state) => state.name === name && state.reachable)) {
      throw new Error(`${name} was started and does not answer`);
    }
    return name;
  }

  /** The node that knows the project's code and runs none of it. */
  startLanguageServerNode(): Promise<string> {
    return this.once("language", ["scope.node", "--language"], {});
  }

  /** The node that runs the project, or a task of it, and that a debug session can attach to. */
  async startDebugAdapterNode(task: readonly string[] = []): Promise<string> {
    const language = this.nodes.get("language");
    const args = ["scope.node", "--allow-debug", ...(task.length > 0 ? ["--", ...task] : [])];
    return this.once("debug", args, language ? { ELIXIR_SCOPE_LANGUAGE_SERVER_NODE: language.name } : {});
  }

  /** Whether one of these is a node of this session. */
  owns(names: readonly unknown[]): boolean {
    return [...this.nodes.values()].some(({ name }) => names.includes(name));
  }

  /** How each node stands: whether its process runs, and whether it takes connections. */
  verifyNodeConnectivity(): Promise<NodeState[]> {
    return Promise.all(
      [...this.nodes].map(async ([role, { name, child }]) => ({
        role,
        name,
        running: child.running,
        reachable: child.running && (await this.there(name)),
      })),
    );
  }

  /** Ends all nodes, and returns when they are gone. Nothing can be started afterwards. */
  async cleanupDistributedSession(): Promise<void> {
    this.cleaned = true;
    const children = [...this.nodes.values()].map(({ child }) => child);
    this.nodes.clear();
    this.starting.clear();
    await Promise.all(children.map((child) => child.stop(this.settings.stopMs)));
  }

  // Two who want the same node at the same time get one; one that has ended is started anew.
  private once(role: Role, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
    const running = this.nodes.get(role);
    const known = this.starting.get(role);
    if (known && (running === undefined || running.child.running)) return known;
    const start = this.start(role, args, env);
    this.starting.set(role, start);
    start.catch(() => this.starting.delete(role));
    return start;
  }

  private async start(role: Role, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
    if (this.cleaned) throw new Error("the session has been cleaned up");
    // A name is used once: who dies may be remembered by others for a while.
    const name = nodeName(role, this.settings.folder, `${this.id}_${unique().split("_")[1] ?? ""}`);
    const command: Command = {
      program: this.settings.mix,
      args,
      cwd: this.settings.folder,
      env: {
        ...this.settings.env,
        ...env,
        ELIXIR_SCOPE_DISTRIBUTED_MODE: "true",
        ELIXIR_SCOPE_NODE_NAME: name,
        ELIXIR_SCOPE_COOKIE: this.cookie,
      },
    };
    const child = new Child(command, this.settings.keeper, {
      output: (text) => this.settings.output(text),
      exited: (status) => this.settings.output(`${name} ended${status === null ? "" : ` (${status})`}\n`),
    });
    this.nodes.set(role, { name, child });
    await this.up(name, child);
    return name;
  }

  private async up(name: string, child: Child): Promise<void> {
    const deadline = Date.now() + this.settings.bootMs;
    while (!(await this.there(name))) {
      if (!child.running) throw new Error(`${name} ended before it was up; what it wrote says why`);
      if (Date.now() > deadline) {
        await child.stop();
        throw new Error(`${name} was not up within ${this.settings.bootMs} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  private there(name: string): Promise<boolean> {
    return reachable(name, mapperPort(this.settings.env), ANSWER_MS);
  }
}
