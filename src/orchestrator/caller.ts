// Asking about a data directory from outside: through its live owner, else by reading it, else by taking the lock for
// one moment to steer.

import { existsSync } from "node:fs";
import { type Answerer, type InputOf, type OperationName, type OutputOf, operations } from "../api.ts";
import { isProblemError, type Problem, ProblemError } from "../base/problem.ts";
import type { Listener, News } from "../engine.ts";
import { runProblems } from "../run.ts";
import { lockDirectory, openSqlite } from "../store.ts";
import { openBaton } from "./baton.ts";
import { type DataDirectory, dataDirectory, type OwnerNote, readOwnerNote } from "./directory.ts";
import { answerWith, readHandlers } from "./handlers.ts";
import { orchestratorProblems } from "./problems.ts";

/** How long an owner may take to answer, in ms. */
const ANSWER_MS_MAX = 60_000;

/** How long to wait for a process that has the lock to open its door, in ms, and between two looks. */
const DOOR_MS_MAX = 5_000;
const LOOK_MS = 50;

export interface OwnerNews extends AsyncDisposable {
  listen(listener: Listener): Disposable;
  /** Resolves when there will be no more. */
  readonly gone: Promise<void>;
}

/** A live owner of a data directory. */
export class RemoteBaton implements Answerer {
  readonly #note: OwnerNote;

  constructor(note: OwnerNote) {
    this.#note = note;
  }

  get pid(): number {
    return this.#note.pid;
  }

  async call<N extends OperationName>(operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
    const response = await this.#fetch(`/call/${operation}`, {
      method: "POST",
      body: JSON.stringify(input),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const body = (await response.json()) as OutputOf<N>;
    if (!response.ok) throw new ProblemError(body as unknown as Problem);
    return body;
  }

  /** Live news from now on, until it is disposed of or the owner goes. */
  async openNews(): Promise<OwnerNews> {
    const stop = new AbortController();
    const response = await this.#fetch("/news", { signal: stop.signal });
    const listeners = new Set<Listener>();
    const gone = readLines(response, (line) => {
      const news = JSON.parse(line) as News;
      for (const listener of listeners) listener(news);
    });
    return {
      gone,
      listen(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
      async [Symbol.asyncDispose]() {
        stop.abort();
        await gone;
      },
    };
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`http://127.0.0.1:${this.#note.port}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${this.#note.token}` },
      });
    } catch (error) {
      throw orchestratorProblems.OWNER_UNREACHABLE(`The owner (process ${this.#note.pid}) does not answer.`, { cause: error });
    }
  }
}

/** Reads lines until the other side ends or goes away. */
async function readLines(response: Response, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") take(line);
    }
  } catch {
    // The owner is gone, or nobody wants to hear more: either way there is no more news.
  }
}

/** The live owner; null when there is none. A note left by a dead one is recognised by the lock being free. */
export async function findOwner(dataPath: string): Promise<RemoteBaton | null> {
  const directory = dataDirectory(dataPath);
  if (!existsSync(directory.lockPath)) return null;
  for (let waitedMs = 0; isLocked(directory); waitedMs += LOOK_MS) {
    const note = readOwnerNote(directory);
    if (note !== null && (await answers(note))) return new RemoteBaton(note);
    if (waitedMs > DOOR_MS_MAX)
      throw orchestratorProblems.OWNER_UNREACHABLE(`A process holds ${directory.path} but does not answer.`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return null;
}

function isLocked(directory: DataDirectory): boolean {
  try {
    lockDirectory(directory.lockPath)[Symbol.dispose]();
    return false;
  } catch (error) {
    if (isProblemError(error) && error.code === "DATA_LOCKED") return true;
    throw error;
  }
}

async function answers(note: OwnerNote): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${note.port}/`, {
      headers: { authorization: `Bearer ${note.token}` },
      signal: AbortSignal.timeout(1_000),
    });
    return response.status === 404; // known token, nothing at that path
  } catch {
    return false;
  }
}

/** Asks one operation of whoever can answer it. */
export async function ask<N extends OperationName>(dataPath: string, operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
  const owner = await findOwner(dataPath);
  if (owner !== null) return owner.call(operation, input);
  return operations[operation].kind === "read" ? readBeside(dataPath, operation, input) : steerAlone(dataPath, operation, input);
}

/** Reads without taking part; a directory that does not exist has no runs, and is not made. */
export async function readBeside<N extends OperationName>(
  dataPath: string,
  operation: N,
  input: InputOf<N>,
): Promise<OutputOf<N>> {
  const { databasePath } = dataDirectory(dataPath);
  using store = existsSync(databasePath) ? openSqlite({ path: databasePath, readOnly: true, random32: 0 }) : emptyStore();
  return await answerWith(
    readHandlers(store, Date.now, () => false),
    operation,
    input,
  );
}

function emptyStore(): ReturnType<typeof openSqlite> {
  return openSqlite({ path: ":memory:", random32: 0 });
}

/** Takes the lock, writes the entry, carries nothing, and leaves. */
async function steerAlone<N extends OperationName>(dataPath: string, operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
  if (!existsSync(dataDirectory(dataPath).databasePath))
    throw runProblems.RUN_UNKNOWN(`There are no runs in ${dataDirectory(dataPath).path}.`);
  await using baton = await openBaton({ data: dataPath, carry: "nothing" });
  return await baton.call(operation, input);
}
