// The owner's door: the operations of api/ on a loopback port, for commands of the same user.
//
// Every request names the token of `owner.json`, which only this user can read, and a
// loopback Host, so that no web page can knock. `POST /call/<operation>` answers with
// JSON; `GET /news` streams live news, one JSON object a line.

import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answerer, apiProblems, isOperationName } from "../api.ts";
import { readJson } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import type { Listener } from "../engine.ts";
import { limits } from "../run.ts";
import { orchestratorProblems } from "./problems.ts";

export interface DoorOptions {
  readonly token: string;
  readonly answerer: Answerer;
  readonly listen: (listener: Listener) => Disposable;
}

/** News lines kept for a slow reader before it is cut off, in bytes. */
const NEWS_BACKLOG_BYTES_MAX = 4 << 20;

/** How long a request may take to arrive, in ms. */
const REQUEST_MS_MAX = 10_000;

/** How long requests under way may hold up closing, in ms. */
const LAST_ANSWERS_MS_MAX = 1_000;

export async function openDoor(options: DoorOptions): Promise<AsyncDisposable & { readonly port: number }> {
  const readers = new Set<ServerResponse>();
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }, (request, response) => {
    respond(options, readers, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  server.unref();
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: () => closeServer(server, readers) };
}

/** Takes nothing new, ends the news, and lets what is being answered be answered. */
function closeServer(server: Server, readers: Iterable<ServerResponse>): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS_MAX);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    for (const reader of readers) reader.end();
    server.closeIdleConnections();
  });
}

async function respond(
  options: DoorOptions,
  readers: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    requireFriend(options.token, request);
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.method === "GET" && pathname === "/news") streamNews(options, readers, response);
    else if (request.method === "POST" && pathname.startsWith("/call/"))
      await call(options, pathname.slice("/call/".length), request, response);
    else throw apiProblems.OPERATION_UNKNOWN(`${request.method} ${pathname.slice(0, 100)} is not answered here.`);
  } catch (error) {
    const problem = isProblemError(error) ? error.problem : UNEXPECTED;
    send(response, problem.status, problem, "application/problem+json");
  }
}

const UNEXPECTED: Problem = {
  code: "UNEXPECTED",
  status: 500,
  title: "Something unexpected happened in the owner.",
  detail: "The owner's own output says more.",
};

function requireFriend(token: string, request: IncomingMessage): void {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  const given = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const known = timingSafeEqual(digest(given), digest(token));
  if (!known || (host !== "127.0.0.1" && host !== "localhost"))
    throw orchestratorProblems.NOT_ALLOWED("The token or the host is not this owner's.");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

async function call(
  { answerer }: DoorOptions,
  operation: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isOperationName(operation)) throw apiProblems.OPERATION_UNKNOWN(`There is no operation "${operation.slice(0, 100)}".`);
  const body = await readBody(request);
  const output = await answerer.call(operation, (body === "" ? {} : readJson(body, "The request", BODY_BYTES_MAX)) as never);
  send(response, 200, output, "application/json");
}

const BODY_BYTES_MAX = limits.PAYLOAD_BYTES_MAX + (64 << 10);

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // What is too much is read to its end and let fall: a caller that is still sending would not hear the answer.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (bytes > BODY_BYTES_MAX) throw apiProblems.REQUEST_INVALID(`The request is larger than ${BODY_BYTES_MAX} bytes.`);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: unknown, type: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function streamNews({ listen }: DoorOptions, readers: Set<ServerResponse>, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  response.write("\n");
  const listening = listen((news) => {
    if (response.writableEnded) return; // the door closes; what still ends is heard by looking
    if (response.writableLength > NEWS_BACKLOG_BYTES_MAX) response.destroy();
    else response.write(`${JSON.stringify(news)}\n`);
  });
  readers.add(response);
  response.on("close", () => {
    readers.delete(response);
    listening[Symbol.dispose]();
  });
}
