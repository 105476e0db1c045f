// A small HTTP server for tests: answers by path, and keeps what it was asked.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Json } from "../src/base/json.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What comes back; null never answers. A function is asked each time. */
export type Answer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Json;
} | null;
export type Routes = Readonly<Record<string, Answer | ((asked: Asked) => Answer)>>;

export interface Web extends AsyncDisposable {
  /** `localhost:PORT`. */
  readonly host: string;
  /** `http://localhost:PORT`. */
  readonly url: string;
  readonly asked: readonly Asked[];
}

export async function openWeb(routes: Routes): Promise<Web> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const one = await readRequest(request);
    asked.push(one);
    const route = routes[one.path] ?? { status: 404, body: { error: `nothing is at ${one.path}` } };
    const answer: Answer = typeof route === "function" ? route(one) : route;
    if (answer === null) return;
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  return {
    ...{ host, url: `http://${host}`, asked },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const { method = "", url = "", headers } = request;
  return { method, path: url, headers, body: Buffer.concat(parts).toString() };
}
