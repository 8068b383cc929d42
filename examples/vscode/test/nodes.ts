// What the tests of nodes share: a port mapper, a `mix` that plays a node, and what it was told.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { Settings } from "../src/distributed";
import { Mapper } from "./mapper";

export const EXTENSION = path.resolve(__dirname, "..", "..");
export const KEEPER = path.join(EXTENSION, "bin", "kept");

export interface Told {
  pid: number;
  args: string[];
  name: string;
  cwd: string;
  cookie?: string;
  mode?: string;
  language?: string;
}

export class World {
  readonly mapper = new Mapper();
  readonly folder = mkdtempSync(path.join(tmpdir(), "scope-vscode-"));
  readonly mix = path.join(this.folder, "mix");
  readonly output: string[] = [];
  env: NodeJS.ProcessEnv = {};

  async begin(): Promise<void> {
    const script = path.join(__dirname, "mix.js");
    writeFileSync(this.mix, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    chmodSync(this.mix, 0o755);
    const port = await this.mapper.listen();
    this.env = { ...process.env, ERL_EPMD_PORT: String(port), REPORT: path.join(this.folder, "report") };
  }

  async end(): Promise<void> {
    await this.mapper.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  settings(more: Partial<Settings> & { fake?: string } = {}): Settings {
    const { fake, ...rest } = more;
    return {
      folder: this.folder,
      mix: this.mix,
      bootMs: 20_000,
      keeper: KEEPER,
      env: fake ? { ...this.env, FAKE: fake } : this.env,
      output: (text) => void this.output.push(text),
      ...rest,
    };
  }

  told(): Told[] {
    try {
      const lines = readFileSync(path.join(this.folder, "report"), "utf8").trim().split("\n");
      return lines.map((line) => JSON.parse(line) as Told);
    } catch {
      return [];
    }
  }
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
