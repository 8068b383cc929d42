// As much of `vscode` as the extension touches, written down by hand: what it does with it can be looked at.

import { createRequire } from "node:module";
import * as path from "node:path";
import * as fs from "node:fs";

export interface Recorded {
  commands: Map<string, () => Promise<unknown>>;
  errors: string[];
  told: string[];
  output: string[];
  started: unknown[];
  settings: Map<string, unknown>;
  folders: { uri: { fsPath: string } }[] | undefined;
  listener: ((event: unknown) => unknown) | undefined;
  disposed: number;
}

export const recorded: Recorded = {
  commands: new Map(),
  errors: [],
  told: [],
  output: [],
  started: [],
  settings: new Map(),
  folders: undefined,
  listener: undefined,
  disposed: 0,
};

export function reset(): void {
  recorded.commands.clear();
  for (const list of [recorded.errors, recorded.told, recorded.output, recorded.started]) list.length = 0;
  recorded.settings.clear();
  recorded.folders = undefined;
  recorded.listener = undefined;
  stub.debug.activeDebugSession = undefined;
  stub.debug.activeStackItem = undefined;
}

const disposable = () => ({ dispose: () => void recorded.disposed++ });

class DebugAdapterExecutable {
  constructor(
    readonly command: string,
    readonly args: string[],
    readonly options: { cwd?: string; env?: Record<string, string> },
  ) {}
}

class DebugAdapterServer {
  constructor(
    readonly port: number,
    readonly host: string,
  ) {}
}

class DebugStackFrame {
  constructor(
    readonly session: unknown,
    readonly threadId: number,
    readonly frameId: number,
  ) {}
}

export const stub = {
  DebugAdapterExecutable,
  DebugAdapterServer,
  DebugStackFrame,
  Uri: { file: (fsPath: string) => ({ fsPath }) },
  commands: {
    registerCommand: (name: string, run: () => Promise<unknown>) => {
      recorded.commands.set(name, run);
      return disposable();
    },
  },
  debug: {
    activeDebugSession: undefined as unknown,
    activeStackItem: undefined as unknown,
    registerDebugConfigurationProvider: disposable,
    registerDebugAdapterDescriptorFactory: disposable,
    onDidReceiveDebugSessionCustomEvent: (listener: (event: unknown) => unknown) => {
      recorded.listener = listener;
      return disposable();
    },
    startDebugging: (_folder: unknown, configuration: unknown) => {
      recorded.started.push(configuration);
      return Promise.resolve(true);
    },
  },
  window: {
    createOutputChannel: () => ({
      append: (text: string) => void recorded.output.push(text),
      appendLine: (text: string) => void recorded.output.push(text),
      dispose: () => undefined,
    }),
    showErrorMessage: (text: string) => Promise.resolve(void recorded.errors.push(text)),
    showInformationMessage: (text: string) => Promise.resolve(void recorded.told.push(text)),
  },
  workspace: {
    get workspaceFolders() {
      return recorded.folders;
    },
    getWorkspaceFolder: () => undefined,
    getConfiguration: () => ({
      get: (key: string, otherwise: unknown) => recorded.settings.get(key) ?? otherwise,
    }),
    openTextDocument: (uri: { fsPath: string }) =>
      Promise.resolve().then(() => {
        const text = fs.readFileSync(uri.fsPath, "utf8");
        return { getText: () => text };
      }),
  },
};

// The name `vscode` exists in an editor alone.
type Loader = { _load(request: string, ...rest: unknown[]): unknown };
const loader = createRequire(path.resolve("package.json"))("node:module") as unknown as Loader;
const load = loader._load.bind(loader);
loader._load = (request, ...rest) => (request === "vscode" ? stub : load(request, ...rest));
