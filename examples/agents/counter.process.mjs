// A process that is an agent: it counts the words of a text, line by line, and speaks docs/agent-protocol.md. With `dies` it is
// gone as soon as somebody has heard that half is done. It prints its address, and ends with whoever started it.

import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const tasks = new Map();
const dies = process.argv.includes("dies");

async function work({ input, token }, state) {
  const claims = JSON.parse(Buffer.from(token.split("~").at(-1).split(".")[0], "base64url").toString());
  const lines = input.trim().split("\n");
  let words = 0;
  for (const [at, line] of lines.entries()) {
    await pause(20);
    words += line.match(/\S+/g)?.length ?? 0;
    Object.assign(state, { progress: { lines: at + 1 }, usage: { usd: 0.001 * (at + 1) } });
    if (dies && at + 1 === Math.ceil(lines.length / 2)) return;
  }
  Object.assign(state, { status: "completed", output: { words, mightSpendUsd: claims.budget.usd } });
}

const server = createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  let id = decodeURIComponent(request.url.slice("/tasks/".length));
  if (request.method === "POST") {
    const task = JSON.parse(Buffer.concat(await request.toArray()).toString());
    id = task.id;
    if (!tasks.has(id)) {
      tasks.set(id, { status: "working" });
      void work(task, tasks.get(id)).then(() => dies && tasks.set("dying", true));
    }
  }
  if (request.method === "DELETE") return answer(200, { deleted: tasks.delete(id) });
  if (!tasks.has(id)) return answer(404, { error: "there is no such task" });
  answer(request.method === "POST" ? 202 : 200, tasks.get(id));
  if (tasks.has("dying")) response.on("close", () => process.exit(1));
});

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
