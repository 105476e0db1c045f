// Asking about a data directory from outside: reading beside whoever carries it, steering through its live owner, else
// by taking the lock for one moment.

import { existsSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { type Answerer, type InputOf, type OperationName, type OutputOf, operations } from "../api.ts";
import { isProblemError, type Problem, ProblemError } from "../base/problem.ts";
import type { Listener, News } from "../engine.ts";
import { runProblems } from "../run.ts";
import { lockDirectory, openSqlite, type Store } from "../store.ts";
import { openBaton } from "./baton.ts";
import { type DataDirectory, dataDirectory, type OwnerNote, readOwnerNote, requireNothingElse } from "./directory.ts";
import { answerWith, readHandlers } from "./handlers.ts";
import { orchestratorProblems } from "./problems.ts";

/** How long an owner may take to answer, in ms. */
const ANSWER_MS_MAX = 60_000;

/** How long to wait for a process that has the lock but no open door: it opens or closes. Two looks apart, in ms. */
const DOOR_MS_MAX = 15_000;
const LOOK_MS = 50;
const LOOK_ANSWER_MS_MAX = 1_000;

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

  /** Whether it carries everything, and not only what it started. */
  get carriesAll(): boolean {
    return this.#note.carries === "everything";
  }

  async call<N extends OperationName>(operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
    const reply = await knock(this.#note, `/call/${operation}`, { body: JSON.stringify(input) });
    const parts: string[] = [];
    await readParts(reply, (part) => parts.push(part)).catch((error: unknown) => {
      throw orchestratorProblems.OWNER_LOST(`The owner (process ${this.pid}) went away while it answered.`, { cause: error });
    });
    const body = JSON.parse(parts.join("")) as unknown;
    if (reply.statusCode !== 200) throw new ProblemError(body as Problem);
    return body as OutputOf<N>;
  }

  /** Live news from now on, until it is disposed of or the owner goes. */
  async openNews(): Promise<OwnerNews> {
    const reply = await knock(this.#note, "/news");
    const listeners = new Set<Listener>();
    const gone = readLines(reply, (line) => {
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
        reply.destroy();
        await gone;
      },
    };
  }
}

/**
 * Knocks at an owner's door, each time on a connection of its own. A body leaves only once the owner has said that it
 * listens, and an owner that closes answers what it has begun to hear: so a request was either taken, or is known not to
 * have been, unless its process dies.
 */
function knock(note: OwnerNote, path: string, { body, msMax = ANSWER_MS_MAX }: Knock = {}): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const owner = `The owner (process ${note.pid})`;
  const authorization = `Bearer ${note.token}`;
  const headers = body === undefined ? { authorization } : { authorization, expect: "100-continue" };
  const knocking = request({
    host: "127.0.0.1",
    port: note.port,
    path,
    method: body === undefined ? "GET" : "POST",
    headers,
    agent: false,
  });
  let isHeard = false;
  const late = setTimeout(() => knocking.destroy(orchestratorProblems.OWNER_UNREACHABLE(`${owner} does not answer.`)), msMax);
  knocking.on("continue", () => {
    isHeard = true;
    knocking.end(body);
  });
  knocking.on("response", resolve);
  knocking.on("error", (cause) => {
    if (isProblemError(cause)) reject(cause);
    else if (isHeard) reject(orchestratorProblems.OWNER_LOST(`${owner} went away while it was asked.`, { cause }));
    else reject(orchestratorProblems.OWNER_GONE(`${owner} is gone.`, { cause }));
  });
  if (body === undefined) knocking.end();
  else knocking.flushHeaders();
  return promise.finally(() => clearTimeout(late));
}

interface Knock {
  /** With one it is a POST, else a GET. */
  readonly body?: string;
  readonly msMax?: number;
}

async function readParts(reply: IncomingMessage, take: (part: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of reply as AsyncIterable<Uint8Array>) take(decoder.decode(chunk, { stream: true }));
}

/** Reads lines until the other side ends or goes away. */
async function readLines(reply: IncomingMessage, take: (line: string) => void): Promise<void> {
  let rest = "";
  try {
    await readParts(reply, (part) => {
      const lines = (rest + part).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") take(line);
    });
  } catch {
    // The owner is gone, or nobody wants to hear more: either way there is no more news.
  }
}

/** Whether it tells that the owner is no more, rather than what the owner says. */
export function isOwnerGone(error: unknown): error is ProblemError {
  return isProblemError(error) && ["OWNER_GONE", "OWNER_LOST", "ENGINE_CLOSED"].includes(error.code);
}

/** The live owner; null when there is none. A note left by a dead one is recognised by the lock being free. */
export async function findOwner(dataPath: string): Promise<RemoteBaton | null> {
  const directory = dataDirectory(dataPath);
  requireNothingElse(directory);
  const until = performance.now() + DOOR_MS_MAX;
  while (isLocked(directory)) {
    const note = readOwnerNote(directory);
    if (note !== null && (await answers(note))) return new RemoteBaton(note);
    if (performance.now() > until)
      throw orchestratorProblems.OWNER_UNREACHABLE(`A process holds ${directory.path} but does not answer.`);
    await pause(LOOK_MS);
  }
  return null;
}

/** Whether a process carries the runs of this data directory now. */
export async function isOwned(dataPath: string): Promise<boolean> {
  return (await findOwner(dataPath)) !== null;
}

/** Whether an owner fires the schedules of this data directory now. */
export async function isCarriedWhole(dataPath: string): Promise<boolean> {
  return (await findOwner(dataPath))?.carriesAll === true;
}

function isLocked(directory: DataDirectory): boolean {
  if (!existsSync(directory.lockPath)) return false;
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
    const reply = await knock(note, "/", { msMax: LOOK_ANSWER_MS_MAX });
    reply.destroy();
    return reply.statusCode === 404; // known token, nothing at that path
  } catch {
    return false;
  }
}

/** How often two commands may stand in each other's way before one gives up, and ms between. */
const TRIES_MAX = 100;
const TRY_EVERY_MS = 50;

/** Problems of a moment: the owner left, or another command took the directory, between looking and asking. */
const IN_THE_WAY = new Set(["DATA_LOCKED", "OWNER_GONE", "ENGINE_CLOSED"]);

/** Does it at the live owner, or here when there is none. `repeatable`: doing it twice is doing it once. */
export async function thereOrHere<T>(
  dataPath: string,
  there: (owner: RemoteBaton) => Promise<T>,
  here: () => Promise<T>,
  repeatable: boolean,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      const owner = await findOwner(dataPath);
      return await (owner === null ? here() : there(owner));
    } catch (error) {
      const again = isProblemError(error) && (IN_THE_WAY.has(error.code) || (repeatable && error.code === "OWNER_LOST"));
      if (!again || tries === TRIES_MAX) throw error;
      await pause(TRY_EVERY_MS);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks one operation of whoever can answer it. */
export async function ask<N extends OperationName>(dataPath: string, operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
  const { kind } = operations[operation];
  if (kind === "read") return readBeside(dataPath, operation, input);
  const there = (owner: RemoteBaton) => owner.call(operation, input);
  if (kind === "look") return thereOrHere(dataPath, there, () => readBeside(dataPath, operation, input), true);
  return thereOrHere(dataPath, there, () => steerAlone(dataPath, operation, input), false);
}

/** The store as a reader finds it, whoever carries the runs. */
export async function readStore(dataPath: string): Promise<Store> {
  const directory = dataDirectory(dataPath);
  requireNothingElse(directory);
  return await openToRead(directory);
}

/** The bytes of a file that a value names by `blob`; null where it is kept no more. */
export async function readKeptFile(dataPath: string, blob: string): Promise<Buffer | null> {
  using store = await readStore(dataPath);
  return store.file(blob.replace(/^blob_/, ""));
}

/** Reads without taking part, whoever carries the runs; a directory that does not exist has no runs, and is not made. */
async function readBeside<N extends OperationName>(dataPath: string, operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
  const directory = dataDirectory(dataPath);
  requireNothingElse(directory);
  using store = await openToRead(directory);
  const handlers = readHandlers(store, Date.now, () => isLocked(directory));
  return await answerWith(handlers, operation, input);
}

async function openToRead({ path, databasePath }: DataDirectory): Promise<Store> {
  const open = (): Store => openSqlite({ path: databasePath, readOnly: true, random32: 0 });
  try {
    if (existsSync(databasePath)) return open();
  } catch (error) {
    if (isProblemError(error) && error.code === "SCHEMA_OLDER") {
      await using _upgraded = await openBaton({ data: path, carry: "nothing" }); // DATA_LOCKED where an older Baton is the owner
      return open();
    }
    if (!isProblemError(error) || error.code !== "DATA_BLANK") throw error;
  }
  return openSqlite({ path: ":memory:", random32: 0 });
}

/** Takes the lock, writes the entry, carries nothing, and leaves. */
async function steerAlone<N extends OperationName>(dataPath: string, operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
  const isAboutRuns = operation.startsWith("runs.") || operation.startsWith("inbox.");
  if (isAboutRuns && !existsSync(dataDirectory(dataPath).databasePath))
    throw runProblems.RUN_UNKNOWN(`There are no runs in ${dataDirectory(dataPath).path}.`);
  await using baton = await openBaton({ data: dataPath, carry: "nothing" });
  return await baton.call(operation, input);
}
