// A sequence over three services, one of which is down: its work is done by another that can do the same, and the last
// step has an answer of its own ready. What is degraded is said.
//
//   baton run examples/services/sequence.ts -i text="The tide comes in twice a day."
//
// prints
//
//   THE TIDE COMES IN TWICE A DAY. (7 words; mood: unknown)

import { workflow, z } from "batonflow";
import { sequence, service } from "batonflow/services";

/** Two that count words; the first one asked is not there. */
export const away = service({
  service: "away",
  baseUrl: "http://127.0.0.1:9",
  priority: 1,
  operations: {
    count: {
      capability: "text.count",
      effects: "read",
      act: async (input, out) => (await out.send({ method: "POST", path: "/", body: input })).body,
    },
    mood: { effects: "read", act: async (input, out) => (await out.send({ method: "POST", path: "/", body: input })).body },
  },
});

export const here = service({
  service: "here",
  operations: {
    shout: { effects: "read", act: (input) => String((input as { text: string }).text).toUpperCase() },
    count: {
      capability: "text.count",
      effects: "read",
      act: (input) => String((input as { text: string }).text).split(/\s+/).length,
    },
  },
});

export default workflow({
  name: "sequence",
  input: z.object({ text: z.string() }),
  run: async (ctx, { text }) => {
    const { results } = await sequence(ctx, [
      { name: "shout", call: "here/shout", input: { text } },
      { name: "count", call: "text.count", input: { text } },
      {
        name: "mood",
        call: "away/mood",
        input: { text },
        options: { fallback: [{ value: "unknown" }], retry: { attemptsMax: 1 } },
      },
    ]);
    const [shouted, words, mood] = results.map((result) => (result.ok ? result.output : null));
    return `${String(shouted)} (${String(words)} words; mood: ${String(mood)})`;
  },
});
