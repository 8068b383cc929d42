// What the editor knows of a file when the adapter asks which modules a breakpoint needs: those around the line, and
// those that they name. It is read from the text, so it is there before anything was compiled.

/** The event by which the adapter asks. */
export const EVENT = "elixirScope.dependencies";
/** The request by which it is answered. */
export const REQUEST = "elixirScope/dependencies";

export interface Question {
  readonly id: number;
  readonly file: string;
  readonly line: number;
}

/** The question that an event's body is, if it is one. */
export function question(body: unknown): Question | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { id, file, line } = body as Partial<Question>;
  return typeof id === "number" && typeof file === "string" && typeof line === "number" ? { id, file, line } : undefined;
}

interface Open {
  readonly name: string;
  /** What a protocol is implemented for. */
  readonly target: string | undefined;
  readonly indent: number;
  readonly line: number;
  end: number;
}

const NAME = "[A-Z][A-Za-z0-9_]*(?:\\.[A-Z][A-Za-z0-9_]*)*";
const MODULE = new RegExp(`^(\\s*)def(?:module|protocol|impl)\\s+(${NAME})(?:\\s*,\\s*for:\\s*(${NAME}))?`);
const NAMED = new RegExp(`\\b(?:alias|import|use|require)\\s+(${NAME})(?:\\.\\{([^}]*)\\})?(?:[^\\n]*\\bas:\\s*([A-Z]\\w*))?`, "g");
const CALLED = new RegExp(`\\b(${NAME})(?=\\.[a-z_])|%(${NAME})\\{`, "g");

/**
 * The modules of an Elixir file that hold a line, the inner one first, then those of the same project which it names:
 * to interpret what everybody uses would slow everybody down.
 */
export function modulesAt(text: string, line: number): string[] {
  const around = modules(text).filter((module) => module.line <= line && line <= module.end);
  const inner = around.at(-1);
  if (!inner) return [];
  const lines = text.split(/\r?\n/).map(withoutComment);
  const body = lines.slice((around[0] ?? inner).line - 1, inner.end).join("\n");
  const own = new Set(around.map((module) => root(module.target ?? module.name)));
  const others = named(body).filter((name) => own.has(root(name)));
  return [...new Set([...around.map((module) => module.name).reverse(), ...others])];
}

/** The modules that a file defines, with the lines where they begin and end. */
export function modules(text: string): readonly Open[] {
  const found: Open[] = [];
  const open: Open[] = [];
  const lines = text.split(/\r?\n/);
  lines.forEach((content, index) => {
    const begins = MODULE.exec(content);
    const indent = content.search(/\S/);
    const top = open.at(-1);
    if (begins) {
      const [, space = "", written = "", target] = begins;
      const name = target ? `${written}.${target}` : top ? `${top.name}.${written}` : written;
      const module = { name, target, indent: space.length, line: index + 1, end: lines.length };
      found.push(module);
      open.push(module);
    } else if (top && indent === top.indent && /^\s*end\b/.test(content)) {
      top.end = index + 1;
      open.pop();
    }
  });
  return found;
}

function root(name: string): string {
  return name.split(".")[0] ?? name;
}

function withoutComment(line: string): string {
  return line.replace(/^\s*#.*$/, "");
}

function named(body: string): string[] {
  const aliases = new Map<string, string>();
  const names: string[] = [];
  for (const [, name, several, as] of body.matchAll(NAMED)) {
    for (const full of expand(name ?? "", several)) {
      aliases.set(as ?? full.split(".").at(-1) ?? full, full);
      names.push(full);
    }
  }
  for (const [, called, struct] of body.matchAll(CALLED)) names.push(called ?? struct ?? "");
  return names.filter((name) => name !== "" && name !== "__MODULE__").map((name) => resolve(name, aliases));
}

function expand(name: string, several: string | undefined): string[] {
  if (several === undefined) return [name];
  return several
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => `${name}.${part}`);
}

function resolve(name: string, aliases: Map<string, string>): string {
  const [first = name, ...rest] = name.split(".");
  return [aliases.get(first) ?? first, ...rest].join(".");
}
