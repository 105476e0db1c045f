// The process of an MCP server, bounded: how long a message of it may be, and that it ends.
//
//  1. It is gone when `ended` resolves: it was told, and then killed, whatever it makes of its signals.
//  2. A message has a length, and all that is said a sum: beyond, the process is let go of at once.
//
// The SDK's transport gives its process up before it has ended, and looks for the end of a line from the beginning each
// time a piece comes; neither can be set, so its own fields are used here.

import type { ChildProcess } from "node:child_process";
import type { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { ProblemError } from "../base/problem.ts";
import { servicesProblems } from "./problems.ts";

/** After SIGTERM, in ms. */
const TERM_MS_MAX = 1_000;

export interface SaidLimits {
  /** Of one message, in bytes. */
  readonly messageBytesMax: number;
  /** Of all of them, in bytes. */
  readonly bytesMax: number;
}

interface Lines {
  append(chunk: Buffer): void;
  readMessage(): unknown;
  clear(): void;
}

interface Inner {
  _process?: ChildProcess | undefined;
  _readBuffer: Lines;
}

export class McpChild {
  #child: ChildProcess | null = null;
  /** Why it was let go of; null while it keeps within its bounds. */
  fault: ProblemError | null = null;

  /** Of a transport that is not started yet. */
  constructor(transport: StdioClientTransport, limits: SaidLimits) {
    const inner = transport as unknown as Inner;
    inner._readBuffer = this.#bounded(inner._readBuffer, limits);
    const start = transport.start.bind(transport);
    transport.start = async () => {
      const starting = start();
      this.#child = inner._process ?? null;
      await starting;
    };
  }

  #bounded(lines: Lines, { messageBytesMax, bytesMax }: SaidLimits): Lines {
    let [parts, held, all] = [[] as Buffer[], 0, 0];
    return {
      append: (chunk) => {
        const end = chunk.lastIndexOf("\n") + 1;
        held += chunk.length;
        all += chunk.length;
        if (held > messageBytesMax || all > bytesMax) throw this.#tooMuch(Math.min(messageBytesMax, bytesMax));
        if (end > 0) lines.append(Buffer.concat([...parts.splice(0), chunk.subarray(0, end)]));
        if (end < chunk.length) parts.push(chunk.subarray(end));
        if (end > 0) held = chunk.length - end;
      },
      readMessage: () => lines.readMessage(),
      clear: () => {
        [parts, held] = [[], 0];
        lines.clear();
      },
    };
  }

  #tooMuch(bytes: number): ProblemError {
    this.fault ??= servicesProblems.SERVICE_ANSWER_INVALID(`It says more than ${bytes} bytes.`);
    return this.fault;
  }

  /** Ends it, where it has not. Never throws. */
  async ended(): Promise<void> {
    const child = this.#child;
    if (child === null || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    child.once("exit", () => resolve());
    const late = setTimeout(() => child.kill("SIGKILL"), TERM_MS_MAX);
    child.kill("SIGTERM");
    await gone;
    clearTimeout(late);
  }
}
