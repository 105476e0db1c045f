// Places in code: an author is sent to their own file, never into Baton, Node or a dependency.

import { fileURLToPath } from "node:url";

const OWN_URL = new URL("../", import.meta.url).href;
const OWN_PATH = fileURLToPath(OWN_URL);

/** Whether a line of a stack names a place in an author's code. */
export function isAuthors(line: string): boolean {
  return ![OWN_URL, OWN_PATH, "node:", "node_modules"].some((elsewhere) => line.includes(elsewhere));
}
