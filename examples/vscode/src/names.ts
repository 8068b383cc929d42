// Names and cookies of the nodes that a window starts. Nothing here knows of an editor.

import { randomBytes } from "node:crypto";
import * as path from "node:path";

/** What a node is for. */
export type Role = "language" | "debug";

/** The part of a name that stands for a project: letters, digits and `_`, never empty. */
export function projectName(folder: string): string {
  const name = path
    .basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 40);
  return name === "" ? "project" : name;
}

/** Something that no other window has. */
export function unique(): string {
  return `${process.pid}_${randomBytes(4).toString("hex")}`;
}

/** A node's whole name; it listens at loopback alone, so that is its host. */
export function nodeName(role: Role, folder: string, id: string): string {
  return `scope-${role}-${projectName(folder)}-${id}@127.0.0.1`;
}

/** A cookie that nobody can guess; each session has one of its own. */
export function newCookie(): string {
  return randomBytes(24).toString("hex");
}
