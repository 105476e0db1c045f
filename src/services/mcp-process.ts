// What the process of an MCP server says of itself besides its answers: what it writes to stderr, and how it ended.
//
//  1. Only the last lines are kept, without what would act on a terminal.

import type { ChildProcess } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import type { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

/** Characters and lines of stderr that are kept. */
const KEPT_LENGTH_MAX = 4_096;
const LINES_MAX = 6;

/** The last that a process says may come just after it is known to have ended: so long is waited, in ms. */
const LAST_WORDS_MS = 5;

export class McpProcess {
  #text = "";
  #end: string | null = null;

  /** Listens to the process that this is going to start. */
  listen(transport: StdioClientTransport): void {
    transport.stderr?.on("data", (data: Buffer) => {
      this.#text = (this.#text + data.toString("utf8")).slice(-KEPT_LENGTH_MAX);
    });
    transport.stderr?.on("error", () => undefined); // it says no more
    const start = transport.start.bind(transport);
    transport.start = async () => {
      await start();
      // The SDK shows no exit code.
      const { _process } = transport as unknown as { readonly _process?: ChildProcess };
      _process?.on("exit", (code, signal) => {
        this.#end = code === null ? `was ended by ${signal}` : `ended with code ${code}`;
      });
    };
  }

  /** Waits for what is on its way. */
  async settled(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS));
  }

  /** ` Its process ended with code 1. It said: …`; empty where there is nothing to say. */
  words(): string {
    const lines = stripVTControlCharacters(this.#text)
      .split(/\r?\n|\r/)
      .map((line) => line.replaceAll(/\p{Cc}/gu, " ").trim())
      .filter((line) => line !== "" && !/^at \S/.test(line)); // frames of a stack say less than the error above them
    const end = this.#end === null ? "" : ` Its process ${this.#end}.`;
    return lines.length === 0 ? end : `${end} It said: ${lines.slice(-LINES_MAX).join(" / ")}`;
  }
}
