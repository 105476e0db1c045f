// Rules of choice that others use, to hold the ledger against. Each learns from verdicts alone, ties are broken by chance.

import type { Random32 } from "../../src/base/clock.ts";
import { fraction } from "../../src/base/random.ts";
import { drawBeta } from "../../src/trust/beta.ts";

export interface Policy {
  /** `t` counts from 0. */
  choose(t: number): number;
  record(agent: number, ok: boolean, t: number): void;
  /** How likely it takes the agent to be right. */
  estimate(agent: number): number;
  /** The agent is another one from now on, as far as anybody can see. */
  rename?(agent: number): void;
}

export interface Setting {
  readonly agents: number;
  readonly tasks: number;
  readonly next: Random32;
}

export type PolicyMaker = (setting: Setting) => Policy;

/** The one with the greatest index; of equals any, by chance. */
function greatest(agents: number, indexOf: (agent: number) => number, next: Random32): number {
  let [best, most, equals] = [0, Number.NEGATIVE_INFINITY, 0];
  for (let agent = 0; agent < agents; agent++) {
    const index = indexOf(agent);
    if (index > most) [best, most, equals] = [agent, index, 1];
    else if (index === most && fraction(next) * ++equals < 1) best = agent;
  }
  return best;
}

const anyOf = (agents: number, next: Random32) => Math.floor(fraction(next) * agents);

/** Right and wrong verdicts of each. */
class Counts {
  readonly right: Float64Array;
  readonly wrong: Float64Array;

  constructor(agents: number) {
    this.right = new Float64Array(agents);
    this.wrong = new Float64Array(agents);
  }

  add(agent: number, ok: boolean): void {
    const side = ok ? this.right : this.wrong;
    side[agent] = (side[agent] ?? 0) + 1;
  }

  tasks(agent: number): number {
    return (this.right[agent] ?? 0) + (this.wrong[agent] ?? 0);
  }

  /** With one of each before. */
  share(agent: number): number {
    return ((this.right[agent] ?? 0) + 1) / (this.tasks(agent) + 2);
  }

  mean(agent: number): number {
    return (this.right[agent] ?? 0) / this.tasks(agent);
  }

  draw(agent: number, next: Random32): number {
    return drawBeta((this.right[agent] ?? 0) + 1, (this.wrong[agent] ?? 0) + 1, next);
  }

  discount(factor: number): void {
    for (let i = 0; i < this.right.length; i++) {
      this.right[i] = (this.right[i] ?? 0) * factor;
      this.wrong[i] = (this.wrong[i] ?? 0) * factor;
    }
  }
}

const untried = (counts: Counts, agent: number) => counts.tasks(agent) === 0;

/** Learns by counting; chooses by `index`, or tries each once first where it needs that. */
function counting(index: (counts: Counts, agent: number, t: number, next: Random32) => number): PolicyMaker {
  return ({ agents, next }) => {
    const counts = new Counts(agents);
    return {
      choose: (t) => greatest(agents, (agent) => index(counts, agent, t, next), next),
      record: (agent, ok) => counts.add(agent, ok),
      estimate: (agent) => counts.share(agent),
      rename(agent) {
        counts.right[agent] = 0;
        counts.wrong[agent] = 0;
      },
    };
  };
}

export const random: PolicyMaker = counting(() => 0);

export const roundRobin: PolicyMaker = (setting) => ({ ...random(setting), choose: (t) => t % setting.agents });

/** Each once, then whoever was right most often. */
export const greedy: PolicyMaker = counting((counts, agent) =>
  untried(counts, agent) ? Number.POSITIVE_INFINITY : counts.mean(agent),
);

/** Whoever was right most often, with one of each before: nobody is tried for being new. */
export const shyGreedy: PolicyMaker = (setting) => {
  const policy = counting((counts, agent) => counts.share(agent))(setting);
  return { ...policy, choose: (t) => (t < setting.agents ? t : policy.choose(t)) };
};

export function epsilonGreedy(epsilon: number): PolicyMaker {
  return (setting) => {
    const policy = greedy(setting);
    const { agents, next } = setting;
    return { ...policy, choose: (t) => (fraction(next) < epsilon ? anyOf(agents, next) : policy.choose(t)) };
  };
}

/** Josang & Ismail: an agent's old verdicts fade with its new ones; the highest expectation is chosen. */
export function betaReputation(keep: number): PolicyMaker {
  return ({ agents, next }) => {
    const counts = new Counts(agents);
    return {
      choose: () => greatest(agents, (agent) => counts.share(agent), next),
      record(agent, ok) {
        counts.right[agent] = (counts.right[agent] ?? 0) * keep;
        counts.wrong[agent] = (counts.wrong[agent] ?? 0) * keep;
        counts.add(agent, ok);
      },
      estimate: (agent) => counts.share(agent),
    };
  };
}

/** Kamvar et al. with one rater: chosen in proportion to right less wrong; one time in ten somebody with no trust. */
export const eigenTrust: PolicyMaker = ({ agents, next }) => {
  const counts = new Counts(agents);
  const trust = (agent: number) => Math.max(0, (counts.right[agent] ?? 0) - (counts.wrong[agent] ?? 0));
  const among = (weightOf: (agent: number) => number): number | null => {
    let all = 0;
    for (let agent = 0; agent < agents; agent++) all += weightOf(agent);
    let left = fraction(next) * all;
    for (let agent = 0; agent < agents; agent++) {
      left -= weightOf(agent);
      if (left < 0) return agent;
    }
    return null;
  };
  const strangers = (agent: number) => (trust(agent) === 0 ? 1 : 0);
  return {
    choose: () => (fraction(next) < 0.1 ? among(strangers) : among(trust)) ?? anyOf(agents, next),
    record: (agent, ok) => counts.add(agent, ok),
    estimate: (agent) => counts.share(agent),
  };
};

/** Auer et al. 2002, with the exploration that is usual for verdicts of 0 and 1. */
export function ucb1(alpha: number): PolicyMaker {
  return counting((counts, agent, t) =>
    untried(counts, agent)
      ? Number.POSITIVE_INFINITY
      : counts.mean(agent) + Math.sqrt((alpha * Math.log(t)) / counts.tasks(agent)),
  );
}

/** Garivier & Cappé 2011. */
export const klUcb: PolicyMaker = counting((counts, agent, t) =>
  untried(counts, agent) ? Number.POSITIVE_INFINITY : klUpper(counts.mean(agent), Math.log(t) / counts.tasks(agent)),
);

export function kl(p: number, q: number): number {
  const [x, y] = [Math.min(1 - 1e-9, Math.max(1e-9, p)), Math.min(1 - 1e-9, Math.max(1e-9, q))];
  return x * Math.log(x / y) + (1 - x) * Math.log((1 - x) / (1 - y));
}

/** The greatest q with kl(p, q) ≤ level: bisection, begun at Pinsker's bound. */
export function klUpper(p: number, level: number): number {
  let [low, high] = [p, Math.min(1, p + Math.sqrt(level / 2))];
  for (let step = 0; step < 16 && high - low > 1e-5; step++) {
    const middle = (low + high) / 2;
    if (kl(p, middle) > level) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

export const thompson: PolicyMaker = counting((counts, agent, _t, next) => counts.draw(agent, next));

/** Raj & Kalyani 2017: all evidence fades with every task. */
export function discountedThompson(factor: number): PolicyMaker {
  return ({ agents, next }) => {
    const counts = new Counts(agents);
    return {
      choose: () => greatest(agents, (agent) => counts.draw(agent, next), next),
      record(agent, ok) {
        counts.discount(factor);
        counts.add(agent, ok);
      },
      estimate: (agent) => counts.share(agent),
    };
  };
}

/** The last so many tasks, whoever had them. */
class Window {
  readonly counts: Counts;
  readonly #agents: Int16Array;
  readonly #oks: Uint8Array;

  constructor(agents: number, size: number) {
    this.counts = new Counts(agents);
    this.#agents = new Int16Array(size).fill(-1);
    this.#oks = new Uint8Array(size);
  }

  add(agent: number, ok: boolean, t: number): void {
    const at = t % this.#agents.length;
    const old = this.#agents[at] ?? -1;
    const side = this.#oks[at] === 1 ? this.counts.right : this.counts.wrong;
    if (old >= 0) side[old] = (side[old] ?? 0) - 1;
    this.#agents[at] = agent;
    this.#oks[at] = Number(ok);
    this.counts.add(agent, ok);
  }
}

export function windowThompson(size: number): PolicyMaker {
  return ({ agents, next }) => {
    const window = new Window(agents, size);
    return {
      choose: () => greatest(agents, (agent) => window.counts.draw(agent, next), next),
      record: (agent, ok, t) => window.add(agent, ok, t),
      estimate: (agent) => window.counts.share(agent),
    };
  };
}

/** Garivier & Moulines 2008: ξ of the discounted rule, and of the window. */
const PADDING = 0.5;
const WINDOW_PADDING = 0.6;

export function discountedUcb(factor: number): PolicyMaker {
  return ({ agents, next }) => {
    const counts = new Counts(agents);
    return {
      choose() {
        let all = 0;
        for (let agent = 0; agent < agents; agent++) all += counts.tasks(agent);
        const reach = PADDING * Math.log(Math.max(1, all));
        return greatest(agents, (agent) => indexOf(counts, agent, 2 * Math.sqrt(reach / counts.tasks(agent))), next);
      },
      record(agent, ok) {
        counts.discount(factor);
        counts.add(agent, ok);
      },
      estimate: (agent) => counts.share(agent),
    };
  };
}

function indexOf(counts: Counts, agent: number, bonus: number): number {
  return counts.tasks(agent) < 1e-9 ? Number.POSITIVE_INFINITY : counts.mean(agent) + bonus;
}

export function windowUcb(size: number): PolicyMaker {
  return ({ agents, next }) => {
    const window = new Window(agents, size);
    const { counts } = window;
    return {
      choose(t) {
        const reach = WINDOW_PADDING * Math.log(Math.max(1, Math.min(t, size)));
        return greatest(agents, (agent) => indexOf(counts, agent, Math.sqrt(reach / counts.tasks(agent))), next);
      },
      record: (agent, ok, t) => window.add(agent, ok, t),
      estimate: (agent) => counts.share(agent),
    };
  };
}

/** The same with the kl index: for the anchor. */
export function windowKlUcb(size: number): PolicyMaker {
  return ({ agents, next }) => {
    const window = new Window(agents, size);
    const { counts } = window;
    const index = (agent: number, t: number) =>
      counts.tasks(agent) === 0
        ? Number.POSITIVE_INFINITY
        : klUpper(counts.mean(agent), Math.log(Math.max(1, Math.min(t, size))) / counts.tasks(agent));
    return {
      choose: (t) => greatest(agents, (agent) => index(agent, t), next),
      record: (agent, ok, t) => window.add(agent, ok, t),
      estimate: (agent) => counts.share(agent),
    };
  };
}

// ── Change tests ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The verdicts of one agent since its last restart, as running sums. */
class Stretch {
  readonly sums: Int32Array;
  length = 0;

  constructor(tasks: number) {
    this.sums = new Int32Array(tasks + 1);
  }

  add(ok: boolean): void {
    this.sums[this.length + 1] = (this.sums[this.length] ?? 0) + Number(ok);
    this.length++;
  }

  get right(): number {
    return this.sums[this.length] ?? 0;
  }

  /** Forgets the first so many. */
  forget(count: number): void {
    const gone = this.sums[count] ?? 0;
    for (let i = 0; count + i <= this.length; i++) this.sums[i] = (this.sums[count + i] ?? 0) - gone;
    this.length -= count;
  }

  /**
   * Where the likeliest change was, if there surely was one: the generalized likelihood ratio test for Bernoulli (Besson &
   * Kaufmann 2019), with their threshold ln(3 n^1.5 / δ); null else.
   */
  change(delta: number): number | null {
    const { sums, length } = this;
    const all = this.right / length;
    let [at, most] = [0, Math.log(3 / delta) + 1.5 * Math.log(length)];
    for (let s = 1; s < length; s += length > SPARSE_FROM ? SPARSE_STEP : 1) {
      const before = sums[s] ?? 0;
      const ratio = s * kl(before / s, all) + (length - s) * kl((this.right - before) / (length - s), all);
      if (ratio > most) [at, most] = [s, ratio];
    }
    return at === 0 ? null : at;
  }
}

/** Long stretches are looked through in steps, and not after every task: it costs little of the delay. */
const SPARSE_FROM = 60;
const SPARSE_STEP = 5;

interface GlrOptions {
  /** The share of tasks that go round all agents, whatever is known of them. */
  exploration(setting: Setting): number;
  /** What the restart keeps: nothing of the agent, nothing of anybody, or what came after the likeliest change. */
  readonly restart: "agent" | "all" | "localised";
  readonly isThompson: boolean;
}

export function glr({ exploration, restart, isThompson }: GlrOptions): PolicyMaker {
  return (setting) => {
    const { agents, tasks, next } = setting;
    const stretches = Array.from({ length: agents }, () => new Stretch(tasks));
    const began = new Int32Array(agents);
    const explored = exploration(setting);
    const delta = 1 / Math.sqrt(tasks);
    const share = ({ right, length }: Stretch) => (right + 1) / (length + 2);
    const index = (agent: number, t: number) => {
      const stretch = stretches[agent] ?? new Stretch(1);
      if (isThompson) return drawBeta(stretch.right + 1, stretch.length - stretch.right + 1, next);
      if (stretch.length === 0) return Number.POSITIVE_INFINITY;
      return klUpper(stretch.right / stretch.length, Math.log(Math.max(1, t - (began[agent] ?? 0))) / stretch.length);
    };
    const restarted = (agent: number, change: number, t: number) => {
      for (const [other, stretch] of stretches.entries()) {
        if (restart !== "all" && other !== agent) continue;
        stretch.forget(restart === "localised" ? change : stretch.length);
        began[other] = t;
      }
    };
    return {
      choose(t) {
        if (fraction(next) < explored) return anyOf(agents, next);
        return greatest(agents, (agent) => index(agent, t), next);
      },
      record(agent, ok, t) {
        const stretch = stretches[agent] ?? new Stretch(1);
        stretch.add(ok);
        const isDue = stretch.length < SPARSE_FROM || stretch.length % SPARSE_STEP === 0;
        const change = isDue && stretch.length > 1 ? stretch.change(delta) : null;
        if (change !== null) restarted(agent, change, t);
      },
      estimate: (agent) => share(stretches[agent] ?? new Stretch(1)),
    };
  };
}
