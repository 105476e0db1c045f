/**
 * The same from a terminal: the command `baton`.
 */
export { main } from "./cli/main.ts";
