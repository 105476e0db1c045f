// The examples of services, typed as their comments say, against fakes of the services they are for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openFakeAutomatic1111, openFakeOllama, openFakeQdrant } from "../src/testing.ts";
import { rootPath } from "../tools/layout.ts";
import { openPlace, type Place } from "./command.ts";

const example = (name: string): string => rootPath("examples", "services", `${name}.ts`);

async function typed(place: Place, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.baton(words);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Adds what answers at these ports, as its finder does with well-known ones. */
async function found(place: Place, ...ports: readonly number[]): Promise<void> {
  const hosts = ports.flatMap((port) => ["--host", `127.0.0.1:${port}`]);
  const { found: all } = JSON.parse(await typed(place, ["services", "discover", "--add", "--json", ...hosts])) as {
    found: { baseUrl: string; id: string }[];
  };
  for (const port of ports) assert.ok(all.some(({ baseUrl }) => baseUrl.includes(`:${port}`)));
  for (const { baseUrl, id } of all)
    if (!ports.some((port) => baseUrl.includes(`:${port}`))) await typed(place, ["services", "rm", id]);
}

test("chat asks whichever local model is found", async () => {
  using place = openPlace();
  await using ollama = await openFakeOllama({ reply: () => "Rivers carry salt to it." });
  await found(place, ollama.port);
  const { stdout, stderr } = await place.baton(["run", example("chat"), "-i", "question=Why is the sea salty?"]);
  assert.equal(stdout, "Rivers carry salt to it.\n");
  assert.match(stderr, /answered by ollama\/chat/);
});

test("picture has one made, keeps it, and has it described", async () => {
  using place = openPlace();
  await using artist = await openFakeAutomatic1111();
  await using ollama = await openFakeOllama();
  await found(place, artist.port, ollama.port);
  const words = ["run", example("picture"), "-i", "prompt=a red lighthouse", "-i", "file=light.png"];
  const stdout = await typed(place, words);
  assert.match(stdout, /^light\.png: .*256.256/);
  assert.equal(readFileSync(join(place.path, "light.png")).subarray(1, 4).toString(), "PNG");
});

test("library answers from the texts that it was given, also when it is asked again", async () => {
  using place = openPlace({
    "texts/tides.md": "The tide comes in twice a day, because the earth turns under the moon.\n\nFerries wait for the tide.",
    "texts/trains.md": "Trains to the mountains leave every hour from the main station of the town.",
    "texts/bread.txt": "Bread needs flour, water, salt and a night of patience before it is baked.",
  });
  await using ollama = await openFakeOllama();
  await using qdrant = await openFakeQdrant();
  await found(place, ollama.port, qdrant.port);
  const ask = (question: string): Promise<string> =>
    typed(place, ["run", example("library"), "-i", "folder=texts", "-i", `question=${question}`]);
  assert.match(await ask("How often does the tide come in?"), /twice a day[\s\S]*\(from .*tides\.md/);
  assert.match(await ask("What does bread need?"), /flour, water, salt[\s\S]*\(from .*bread\.txt/);
  const { operations } = JSON.parse(await typed(place, ["stats", "--json"])) as {
    operations: { operation: string; calls: number }[];
  };
  assert.ok(operations.some(({ operation, calls }) => operation === "upsert" && calls === 2));
});

test("sequence comes to its end though a service is down, and says what is degraded", async () => {
  using place = openPlace();
  const text = readFileSync(example("sequence"), "utf8");
  const prints = /prints\n\/\/\n\/\/ {3}(.+)\n/.exec(text)?.[1];
  const words = ["run", example("sequence"), "-i", "text=The tide comes in twice a day."];
  assert.equal(await typed(place, words), `${prints}\n`);
  const { degraded } = JSON.parse(await typed(place, [...words, "--json"])) as { degraded: { target: string; how: string }[] };
  assert.deepEqual(
    degraded.map(({ target, how }) => [target, how]),
    [["away/mood", "value"]],
  );
});
