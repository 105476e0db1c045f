// A process that is an agent and is killed: it says on standard output what it was handed. With `slow` it is never done.

import { createServer } from "node:http";

const isSlow = process.argv.includes("slow");
const tasks = new Map();

const server = createServer(async (request, response) => {
  let id = decodeURIComponent(request.url.slice("/tasks/".length));
  if (request.method === "POST") {
    const task = JSON.parse(Buffer.concat(await request.toArray()).toString());
    id = task.id;
    const done = { status: "completed", output: task.input.split(" ").length, usage: { usd: 0.25 } };
    if (!tasks.has(id)) console.log(`took ${id}`);
    tasks.set(id, isSlow ? { status: "working", usage: { usd: 0.125 } } : done);
  }
  const state = tasks.get(id);
  response.writeHead(state === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(state ?? { error: "there is no such task" }));
});

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
