// The extension itself: what VS Code calls, as little as there has to be. What it decides is in the other files, which
// know nothing of an editor.

import * as path from "node:path";
import * as vscode from "vscode";
import { EVENT, modulesAt, question, REQUEST } from "./dependencies";
import { DistributedSession, type NodeState } from "./distributed";

const TYPE = "elixirScope";

let manager: Manager | undefined;

export function activate(context: vscode.ExtensionContext): Manager {
  manager = new Manager(context.extensionPath);
  context.subscriptions.push(
    manager,
    vscode.debug.registerDebugConfigurationProvider(TYPE, manager),
    vscode.debug.registerDebugAdapterDescriptorFactory(TYPE, manager),
    vscode.debug.onDidReceiveDebugSessionCustomEvent((event) => manager?.answer(event)),
    ...manager.commands(),
  );
  return manager;
}

export async function deactivate(): Promise<void> {
  await manager?.cleanupDistributedSession();
  manager = undefined;
}

/** All that this window has started, by the folder of the project. */
export class Manager
  implements vscode.DebugConfigurationProvider, vscode.DebugAdapterDescriptorFactory, vscode.Disposable
{
  private readonly sessions = new Map<string, DistributedSession>();
  private readonly output = vscode.window.createOutputChannel("ElixirScope");

  constructor(private readonly extensionPath: string) {}

  // Methods of the nodes' life

  /** Starts the language node of a folder, or finds the one that runs; all debug sessions of the folder share it. */
  initializeDistributedDebugging(folder: string): Promise<string> {
    return this.session(folder).initializeDistributedDebugging();
  }

  startLanguageServerNode(folder: string): Promise<string> {
    return this.session(folder).startLanguageServerNode();
  }

  startDebugAdapterNode(folder: string, task: readonly string[] = []): Promise<string> {
    return this.session(folder).startDebugAdapterNode(task);
  }

  async verifyNodeConnectivity(folder: string): Promise<NodeState[]> {
    return (await this.sessions.get(folder)?.verifyNodeConnectivity()) ?? [];
  }

  /** Ends the nodes of a folder, or of all. */
  async cleanupDistributedSession(folder?: string): Promise<void> {
    const chosen = [...this.sessions].filter(([name]) => folder === undefined || name === folder);
    for (const [name] of chosen) this.sessions.delete(name);
    await Promise.all(chosen.map(([, session]) => session.cleanupDistributedSession()));
  }

  dispose(): void {
    void this.cleanupDistributedSession();
    this.output.dispose();
  }

  private session(folder: string): DistributedSession {
    const known = this.sessions.get(folder);
    if (known) return known;
    const settings = vscode.workspace.getConfiguration(TYPE);
    const session = new DistributedSession({
      folder,
      mix: settings.get("mix", "mix"),
      bootMs: settings.get("bootTimeout", 120_000),
      keeper: process.platform === "win32" ? undefined : path.join(this.extensionPath, "bin", "kept"),
      env: process.env,
      output: (text) => this.output.append(text),
    });
    this.sessions.set(folder, session);
    return session;
  }

  // Debug sessions

  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    return [
      { type: TYPE, request: "launch", name: "mix run", task: "run", projectDir: "${workspaceFolder}" },
      { type: TYPE, request: "launch", name: "mix test", task: "test", projectDir: "${workspaceFolder}" },
    ];
  }

  /** F5 without a configuration runs the project. */
  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration | undefined {
    if (configuration.type) return configuration;
    return this.provideDebugConfigurations()[0];
  }

  /** With its variables filled in: the folder's language node is what the session asks. */
  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const project = projectDir(folder, configuration);
    if (!project || !this.shares(configuration)) return configuration;
    try {
      return { ...configuration, languageNode: await this.initializeDistributedDebugging(project) };
    } catch (error) {
      // The session can do without: the adapter starts one of its own, or asks the editor.
      this.output.appendLine(`no shared language node: ${message(error)}`);
      return configuration;
    }
  }

  private shares(configuration: vscode.DebugConfiguration): boolean {
    const distributed = configuration["distributedDebugging"] as { enabled?: boolean } | undefined;
    return (
      vscode.workspace.getConfiguration(TYPE).get("shareLanguageNode", false) &&
      configuration.request === "launch" &&
      configuration["languageNode"] === undefined &&
      configuration["coordinationMode"] !== "extension" &&
      distributed?.enabled !== false
    );
  }

  createDebugAdapterDescriptor(session: vscode.DebugSession): vscode.DebugAdapterDescriptor {
    const settings = vscode.workspace.getConfiguration(TYPE);
    const address = settings.get("adapter", "");
    if (address !== "") return server(address);
    const project = projectDir(session.workspaceFolder, session.configuration);
    const own = project ? this.sessions.get(project) : undefined;
    // In the environment, where no other user sees it; and only for nodes that this window started.
    const cookie = own?.owns(named(session.configuration)) ? { SCOPE_COOKIE: own.cookie } : {};
    // Mix compiles before the adapter begins, and would say so where the adapter speaks.
    const env = { MIX_QUIET: "1", ...cookie };
    return new vscode.DebugAdapterExecutable(settings.get("mix", "mix"), ["scope.dap"], {
      ...(project ? { cwd: project } : {}),
      env,
    });
  }

  /** The adapter asks which modules a breakpoint needs. */
  async answer(event: vscode.DebugSessionCustomEvent): Promise<void> {
    if (event.session.type !== TYPE || event.event !== EVENT) return;
    const asked = question(event.body);
    if (!asked) return;
    try {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.file(asked.file));
      const modules = modulesAt(document.getText(), asked.line);
      await event.session.customRequest(REQUEST, { id: asked.id, modules });
    } catch (error) {
      await event.session.customRequest(REQUEST, { id: asked.id, error: message(error) }).then(undefined, () => undefined);
    }
  }

  // Commands

  commands(): vscode.Disposable[] {
    const commands: Record<string, (...args: never[]) => Promise<unknown>> = {
      "elixirScope.traceFromHere": () => this.traceFromHere(),
      "elixirScope.startLanguageServerNode": () => this.inFolder((folder) => this.initializeDistributedDebugging(folder)),
      "elixirScope.startDebugAdapterNode": () => this.inFolder((folder) => this.debugNode(folder)),
      "elixirScope.verifyNodeConnectivity": () => this.inFolder((folder) => this.show(folder)),
      "elixirScope.cleanupDistributedSession": () => this.cleanupDistributedSession(),
    };
    return Object.entries(commands).map(([name, run]) =>
      vscode.commands.registerCommand(name, () =>
        run().catch((error: unknown) => vscode.window.showErrorMessage(`ElixirScope: ${message(error)}`)),
      ),
    );
  }

  private async traceFromHere(): Promise<void> {
    const session = vscode.debug.activeDebugSession;
    const item = vscode.debug.activeStackItem;
    if (!session || session.type !== TYPE || !item) throw new Error("no process stands stopped");
    const frame = item instanceof vscode.DebugStackFrame ? { frameId: item.frameId } : {};
    await session.customRequest("elixirScope/traceFromHere", { threadId: item.threadId, ...frame });
  }

  private async debugNode(folder: string): Promise<void> {
    await this.initializeDistributedDebugging(folder);
    const node = await this.startDebugAdapterNode(folder);
    const [language] = (await this.verifyNodeConnectivity(folder)).filter((state) => state.role === "language");
    await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(vscode.Uri.file(folder)), {
      type: TYPE,
      request: "attach",
      name: node,
      node,
      projectDir: folder,
      ...(language ? { languageNode: language.name } : {}),
    });
  }

  private async show(folder: string): Promise<void> {
    const states = await this.verifyNodeConnectivity(folder);
    const lines = states.map(({ role, name, reachable }) => `${role}: ${name} ${reachable ? "answers" : "does not answer"}`);
    await vscode.window.showInformationMessage(lines.length > 0 ? lines.join("; ") : "no node was started for this folder");
  }

  private async inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    if (!folder) throw new Error("open the folder of a project first");
    return run(folder);
  }
}

function projectDir(
  folder: vscode.WorkspaceFolder | undefined,
  configuration: vscode.DebugConfiguration,
): string | undefined {
  const given: unknown = configuration["projectDir"];
  const root = folder?.uri.fsPath;
  if (typeof given !== "string") return root;
  return root ? path.resolve(root, given) : path.resolve(given);
}

function named(configuration: vscode.DebugConfiguration): unknown[] {
  return [configuration["node"], configuration["languageNode"]];
}

function server(address: string): vscode.DebugAdapterServer {
  const at = address.lastIndexOf(":");
  const port = Number(address.slice(at + 1));
  if (!Number.isInteger(port) || port <= 0 || port > 65_535) {
    throw new Error(`elixirScope.adapter: expected host:port, got: ${address}`);
  }
  return new vscode.DebugAdapterServer(port, at > 0 ? address.slice(0, at) : "127.0.0.1");
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
