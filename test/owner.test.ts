// One process carries the runs of a data directory; others read beside it, ask it, and take over when it dies.

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Command, openPlace, type Place, readJsonOutput } from "./command.ts";

const FILES = {
  // Its step lasts while the file it is given exists; each act is noted outside.
  "hold.ts": `
    import { appendFileSync, existsSync } from "node:fs";
    import { workflow, z } from "batonflow";
    export default workflow({
      name: "hold",
      input: z.object({ file: z.string().default("hold.txt") }),
      run: async (ctx, { file }) => {
        await ctx.step("begin", () => appendFileSync("acted.txt", file + " begins\\n"));
        await ctx.step("hold", async ({ abortSignal }) => {
          abortSignal.addEventListener("abort", () => appendFileSync("acted.txt", file + " aborts\\n"));
          console.log("holding " + file);
          while (existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
          appendFileSync("acted.txt", file + " ends\\n");
        });
        return "held " + file;
      },
    });`,
  "pid.ts": `
    import { workflow } from "batonflow";
    export default workflow({ name: "pid", run: (ctx) => ctx.step("pid", () => process.pid) });`,
  "hold.txt": "",
};

interface Note {
  readonly pid: number;
  readonly port: number;
  readonly token: string;
}

const notePath = (place: Place): string => join(place.path, ".baton", "owner.json");
const noteOf = (place: Place): Note => JSON.parse(readFileSync(notePath(place), "utf8")) as Note;
const acted = (place: Place): string[] => readFileSync(join(place.path, "acted.txt"), "utf8").trim().split("\n");
const letGo = (place: Place, file = "hold.txt"): void => rmSync(join(place.path, file));

/** A place with an owner that holds. */
async function owned(): Promise<{ place: Place; owner: Command; run: string }> {
  const place = openPlace(FILES);
  const owner = place.start("run hold.ts");
  const [, run = ""] = await owner.says(/started (run_\w+)/);
  await owner.says(/holding/);
  return { place, owner, run };
}

const concurrently = { concurrency: 3 };

suite("beside a live owner", concurrently, () => {
  test("runs are listed, shown and read while one is carried", async () => {
    const { place, owner, run } = await owned();
    using _place = place;

    const list = readJsonOutput<{ owner: boolean; runs: { run: string; status: string }[] }>(await place.baton("runs ls --json"));
    assert.equal(list.owner, true);
    assert.deepEqual(
      list.runs.map((one) => [one.run, one.status]),
      [[run, "running"]],
    );
    assert.match((await place.baton(`runs show ${run}`)).stdout, /^begin +step +completed/m);
    assert.match((await place.baton(`runs journal ${run}`)).stdout, /step-completed +begin/);
    letGo(place);
    assert.deepEqual((await owner.ended).stdout, "held hold.txt\n");
  });

  test("a run is canceled through it: what it was doing is told to stop", async () => {
    const { place, owner, run } = await owned();
    using _place = place;

    const canceled = await place.baton(`runs cancel ${run} --json`);
    assert.deepEqual(readJsonOutput(canceled), { v: 1, run, status: "canceled" });
    const { code, stderr } = await owner.ended;
    assert.equal(code, 7);
    assert.match(stderr, /error\[RUN_CANCELED\]/);
    assert.deepEqual(acted(place), ["hold.txt begins", "hold.txt aborts"]);
  });

  test("another command's run is carried by it", async () => {
    const { place, owner } = await owned();
    using _place = place;
    const { pid } = noteOf(place);

    const attached = await place.baton("run pid.ts");
    assert.equal(attached.stdout, `${pid}\n`);
    assert.match(attached.stderr, new RegExp(`started run_\\w+ at the owner \\(process ${pid}\\)`));
    letGo(place);
    await owner.ended;
  });

  test("a second command with the same key attaches to the run, and both end with its output", async () => {
    using place = openPlace(FILES);
    const first = place.start("run hold.ts --key k --json");
    await first.says(/holding/);
    const second = place.start("run hold.ts --key k --json");
    await second.says(/attached to run_/);
    letGo(place);

    const [one, other] = await Promise.all([first.ended, second.ended]);
    assert.equal(one.stdout, other.stdout);
    assert.deepEqual([one.code, other.code], [0, 0]);
    assert.deepEqual(acted(place), ["hold.txt begins", "hold.txt ends"]);
  });

  test("--detach starts a run there and leaves; without an owner it is refused with 6", async () => {
    const { place, owner } = await owned();
    using _place = place;
    place.write("other.txt", "");

    const detached = await place.baton("run hold.ts -i file=other.txt --detach --json");
    const { run, status } = readJsonOutput<{ run: string; status: string }>(detached);
    assert.deepEqual([detached.code, status], [0, "running"]);
    await owner.says(/holding other\.txt/);
    letGo(place, "other.txt");
    assert.equal((await place.baton(`runs watch ${run} --quiet`)).code, 0);

    letGo(place);
    await owner.ended;
    const refused = await place.baton("run pid.ts --detach");
    assert.equal(refused.code, 6);
    assert.match(refused.stderr, /error\[NO_OWNER\]/);
  });

  test("an attached command leaves at its time-out or Ctrl-C, and the run goes on", async () => {
    const { place, owner } = await owned();
    using _place = place;
    place.write("other.txt", "");

    const late = await place.baton("run hold.ts -i file=other.txt --key k --timeout 1s");
    assert.equal(late.code, 7);
    const pressed = place.start("run hold.ts -i file=other.txt --key k");
    await pressed.says(/attached to/);
    pressed.signal("SIGINT");
    assert.equal((await pressed.ended).code, 130);

    letGo(place, "other.txt");
    const last = await place.baton("run hold.ts -i file=other.txt --key k");
    assert.equal(last.stdout, "held other.txt\n");
    assert.deepEqual(acted(place), ["hold.txt begins", "other.txt begins", "other.txt ends"]);
    letGo(place);
    await owner.ended;
  });

  test("many commands at once in a new directory all get their output", async () => {
    using place = openPlace(FILES);
    const ended = await Promise.all(Array.from({ length: 8 }, () => place.baton("run pid.ts")));
    for (const { code, stdout, stderr } of ended) assert.match(`${code} ${stdout}`, /^0 \d+\n$/, stderr);
    const { runs } = readJsonOutput<{ runs: { status: string }[] }>(await place.baton("runs ls --json"));
    assert.deepEqual(
      runs.map(({ status }) => status),
      Array.from({ length: 8 }, () => "completed"),
    );
  });
});

suite("when the owner goes", concurrently, () => {
  test("killed, an attached command takes its own run over and finishes it", async () => {
    const { place, owner, run: firstRun } = await owned();
    using _place = place;
    place.write("other.txt", "");
    const attached = place.start("run hold.ts -i file=other.txt --json");
    const [, run] = await attached.says(/started (run_\w+) at the owner/);
    await owner.says(/holding other\.txt/);

    owner.signal("SIGKILL");
    await attached.says(/the owner is gone/);
    await attached.says(/holding other\.txt/);
    assert.equal(noteOf(place).pid, attached.pid);
    letGo(place, "other.txt");

    const ended = await attached.ended;
    const summary = readJsonOutput<{ run: string; output: string }>(ended);
    assert.deepEqual([ended.code, summary.run, summary.output], [0, run, "held other.txt"]);
    assert.deepEqual(acted(place), ["hold.txt begins", "other.txt begins", "other.txt ends"]);
    // The owner's own run is nobody's now; and nothing was started twice.
    const { runs } = readJsonOutput<{ runs: { run: string; status: string }[] }>(await place.baton("runs ls --json"));
    assert.deepEqual(
      runs.map((one) => [one.run, one.status]),
      [
        [run, "completed"],
        [firstRun, "running"],
      ],
    );
  });

  test("done with its own run, an attached command takes over what it left", async () => {
    const { place, owner } = await owned();
    using _place = place;
    place.write("other.txt", "");
    const attached = place.start("run hold.ts -i file=other.txt");
    await owner.says(/holding other\.txt/);

    letGo(place);
    assert.equal((await owner.ended).code, 0);
    await attached.says(/the owner is gone/);
    await attached.says(/holding other\.txt/);
    letGo(place, "other.txt");
    assert.equal((await attached.ended).stdout, "held other.txt\n");
  });

  test("its note is readable by this user only, and removed when it ends well", async () => {
    const { place, owner } = await owned();
    using _place = place;
    assert.equal(statSync(notePath(place)).mode & 0o777, 0o600);
    assert.equal(statSync(join(place.path, ".baton")).mode & 0o777, 0o700);
    assert.equal(noteOf(place).pid, owner.pid);

    letGo(place);
    await owner.ended;
    assert.ok(!existsSync(notePath(place)));
  });

  test("the note of a dead one fools nobody, not even when its process id and port live again", async () => {
    const { place, owner, run } = await owned();
    using _place = place;
    owner.signal("SIGKILL");
    await owner.ended;
    const note = noteOf(place);
    assert.equal(note.pid, owner.pid);
    writeFileSync(notePath(place), JSON.stringify({ ...note, pid: process.pid, port: 1 }));

    const list = readJsonOutput<{ owner: boolean }>(await place.baton("runs ls --json"));
    assert.equal(list.owner, false);
    const other = await place.baton("run pid.ts");
    assert.match(other.stderr, /1 other run is in flight in this directory and not carried here/);
    letGo(place);
    assert.equal((await place.baton(`runs resume ${run}`)).stdout, "held hold.txt\n");
    assert.ok(!existsSync(notePath(place)));
  });
});

suite("the owner's door", concurrently, () => {
  let place: Place;
  let owner: Command;
  before(async () => {
    ({ place, owner } = await owned());
  });
  after(async () => {
    letGo(place);
    await owner.ended;
    place[Symbol.dispose]();
  });

  /** Knocks as a stranger would. */
  function knock(path: string, { body = "{}", method = "POST", ...headers }: Record<string, string>) {
    const { port, token } = noteOf(place);
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; code: unknown }>();
    const knocking = request(
      { port, host: "127.0.0.1", path, method, headers: { authorization: `Bearer ${token}`, ...headers } },
      async (reply) => {
        const parts: Buffer[] = [];
        for await (const part of reply as AsyncIterable<Buffer>) parts.push(part);
        const answer = JSON.parse(Buffer.concat(parts).toString()) as { code?: string };
        resolve({ status: reply.statusCode ?? 0, code: answer.code });
      },
    );
    knocking.on("error", reject);
    knocking.end(method === "GET" ? undefined : body);
    return promise;
  }

  const tooLong = `{"run":"${"x".repeat(9 << 20)}"}`;
  const rows: readonly (readonly [what: string, path: string, sent: Record<string, string>, status: number, code?: string])[] = [
    ["answers who has the token", "/call/runs.list", {}, 200],
    ["refuses a wrong token", "/call/runs.list", { authorization: "Bearer x" }, 403, "NOT_ALLOWED"],
    ["refuses no token", "/call/runs.list", { authorization: "" }, 403, "NOT_ALLOWED"],
    ["refuses a foreign host", "/call/runs.list", { host: "evil.example" }, 403, "NOT_ALLOWED"],
    ["refuses a foreign host that looks like ours", "/call/runs.list", { host: "127.0.0.1.evil.example:80" }, 403, "NOT_ALLOWED"],
    ["refuses the news without the token", "/news", { method: "GET", authorization: "" }, 403, "NOT_ALLOWED"],
    ["refuses too long a request", "/call/runs.show", { body: tooLong }, 422, "REQUEST_INVALID"],
    ["refuses too long a request from strangers", "/call/runs.show", { body: tooLong, authorization: "" }, 403, "NOT_ALLOWED"],
    ["refuses what is not JSON", "/call/runs.show", { body: "{" }, 400, "JSON_MALFORMED"],
    ["refuses what does not fit the operation", "/call/runs.show", { body: '{"run":1}' }, 422, "REQUEST_INVALID"],
    ["refuses keys that would change objects", "/call/runs.show", { body: '{"__proto__":{"run":"x"}}' }, 400, "JSON_MALFORMED"],
    ["knows no other operations", "/call/runs.erase", {}, 404, "OPERATION_UNKNOWN"],
    ["knows no operations of objects", "/call/constructor", {}, 404, "OPERATION_UNKNOWN"],
    ["knows no other paths", "/", {}, 404, "OPERATION_UNKNOWN"],
    ["does nothing on GET", "/call/runs.list", { method: "GET" }, 404, "OPERATION_UNKNOWN"],
    ["says when there is no such run", "/call/runs.show", { body: '{"run":"run_1"}' }, 404, "RUN_UNKNOWN"],
  ];
  for (const [what, path, sent, status, code] of rows) {
    test(what, async () => {
      assert.deepEqual(await knock(path, sent), { status, code });
    });
  }
});
