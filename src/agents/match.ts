// Who can do what a task asks for, by what is said of both: tags of capabilities, and the schemas of what goes in and comes
// out. Owns degrees and their reasons; leaves whether any of it is true to trust and verification, whom to choose to choice.
//
// 1. Nothing an agent says of itself makes this throw. What cannot be read is no match, or, where it is the output alone,
//    one that is to be guarded.
// 2. Exact, compatible: every input the task may give is taken, and every output the agent may give is wanted, for certain.
//    Guarded: the first is certain, the second is not: to be used with an output guard alone.
// 3. An agent that takes more, or gives less, is never of a lesser degree for it; exact may become compatible.
// 4. Each degree says why, in sentences for people, and why it is not the next higher one.
//
// Degrees: Paolucci, Kawamura, Payne, Sycara, "Semantic matching of web services capabilities", ISWC 2002; contravariant in
// what goes in, covariant in what comes out.

import type { Json } from "../base/json.ts";
import type { JsonSchema } from "../workflow.ts";
import { type Containment, containment } from "./containment.ts";
import { outputGuard } from "./output-guard.ts";

/** The best first. */
export const DEGREES = ["exact", "compatible", "guarded", "no"] as const;

export type Degree = (typeof DEGREES)[number];

/** What the task gives: any value of a schema, or this value. */
export type GivenInput = { readonly schema: JsonSchema | boolean } | { readonly value: Json };

export interface MatchRequest {
  /** A path in the tree of capabilities: `write.brief`. */
  readonly capability: string;
  readonly input: GivenInput;
  /** What must come out; anything where left out. */
  readonly output?: JsonSchema | boolean;
  /** Whether agents will do that can only a part of what is asked: `write.brief.legal`. */
  readonly allowsNarrower?: boolean;
}

/** What an agent says it can. */
export interface Offer {
  readonly capabilities: readonly string[];
  /** What it takes; anything where left out. */
  readonly input?: JsonSchema | boolean;
  /** What it gives; unknown where left out. */
  readonly output?: JsonSchema | boolean;
}

/** How two capabilities stand: the same, the agent's is above what is asked, below it, or elsewhere. */
export type TagRelation = "same" | "plugin" | "subsume" | "no";

export interface Match {
  readonly degree: Degree;
  readonly tags: TagRelation;
  /** Where and why, for people. */
  readonly reasons: readonly string[];
}

export interface Ranked<C> extends Match {
  readonly candidate: C;
}

/** Capabilities of one agent that are looked at. Protects time. */
export const CAPABILITIES_MAX = 1_000;

export function match(request: MatchRequest, offer: Offer): Match {
  const tags = tagRelation(request.capability, offer.capabilities);
  const byTags = tagVerdict(tags, request);
  if (byTags.degree === "no") return { tags, degree: "no", reasons: byTags.reasons };
  const byInput = inputVerdict(request.input, offer.input === undefined ? true : offer.input);
  if (byInput.degree === "no") return { tags, degree: "no", reasons: [...byTags.reasons, ...byInput.reasons] };
  const byOutput = outputVerdict(request.output === undefined ? true : request.output, offer.output);
  const verdicts = [byTags, byInput, byOutput];
  return { tags, degree: worst(verdicts.map(({ degree }) => degree)), reasons: verdicts.flatMap(({ reasons }) => reasons) };
}

/** All candidates, the best degree first, equals as they stood. */
export function matchAll<C extends Offer>(request: MatchRequest, candidates: readonly C[]): readonly Ranked<C>[] {
  const ranked = candidates.map((candidate) => ({ ...match(request, candidate), candidate }));
  return ranked.toSorted((a, b) => DEGREES.indexOf(a.degree) - DEGREES.indexOf(b.degree));
}

interface Verdict {
  readonly degree: Degree;
  readonly reasons: readonly string[];
}

function worst(degrees: readonly Degree[]): Degree {
  return DEGREES[Math.max(...degrees.map((degree) => DEGREES.indexOf(degree)))] ?? "no";
}

// ── Tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const RELATIONS: readonly TagRelation[] = ["same", "plugin", "subsume", "no"];

/** The best of those that the agent declares. */
export function tagRelation(asked: string, declared: readonly string[]): TagRelation {
  const readable: readonly unknown[] = Array.isArray(declared) ? declared.slice(0, CAPABILITIES_MAX) : [];
  const relations = readable.map((tag) => (typeof tag === "string" ? relationOf(asked, tag) : "no"));
  return RELATIONS.find((relation) => relations.includes(relation)) ?? "no";
}

function relationOf(asked: string, declared: string): TagRelation {
  if (asked === "" || declared === "") return "no";
  if (asked === declared) return "same";
  if (asked.startsWith(`${declared}.`)) return "plugin";
  return declared.startsWith(`${asked}.`) ? "subsume" : "no";
}

function tagVerdict(relation: TagRelation, { capability, allowsNarrower = false }: MatchRequest): Verdict {
  switch (relation) {
    case "same":
      return { degree: "exact", reasons: [] };
    case "plugin":
      return { degree: "compatible", reasons: [`It declares a wider capability than ${capability}.`] };
    case "subsume": {
      const why = `It declares only a part of ${capability}`;
      if (allowsNarrower) return { degree: "guarded", reasons: [`${why}, which is allowed here.`] };
      return { degree: "no", reasons: [`${why}, which is not allowed here.`] };
    }
    default:
      return { degree: "no", reasons: [`It does not declare ${capability}.`] };
  }
}

// ── Schemas ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function inputVerdict(given: GivenInput, taken: JsonSchema | boolean): Verdict {
  if ("value" in given) return valueVerdict(given.value, taken);
  const into = containment(given.schema, taken);
  if (into.kind !== "yes") return { degree: "no", reasons: [sentence("Its input", "what the task gives", into)] };
  const refused = whyNotRun(taken, "Its input");
  if (refused !== null) return { degree: "no", reasons: [refused] };
  const back = containment(taken, given.schema);
  if (back.kind === "yes") return { degree: "exact", reasons: [] };
  return { degree: "compatible", reasons: ["It takes all that the task may give, and perhaps more."] };
}

/** A schema may be compared and yet be one that no validator takes. */
function whyNotRun(schema: JsonSchema | boolean, whose: string): string | null {
  const made = outputGuard({ wanted: schema });
  return made.kind === "refused" ? made.why.replace("The output wanted", whose) : null;
}

/** One value is decided by looking at it, whatever the schema says. */
function valueVerdict(value: Json, taken: JsonSchema | boolean): Verdict {
  const made = outputGuard({ wanted: taken });
  if (made.kind === "refused") return { degree: "no", reasons: [made.why.replace("The output wanted", "Its input")] };
  const result = made.guard.check(value);
  if (result.ok) return { degree: "compatible", reasons: ["It takes what the task gives."] };
  const [first] = result.issues;
  return { degree: "no", reasons: [`Its input is not what the task gives: ${first?.at ?? ""} ${first?.message ?? ""}.`] };
}

function outputVerdict(wanted: JsonSchema | boolean, given: JsonSchema | boolean | undefined): Verdict {
  if (given === undefined) {
    if (wanted === true) return { degree: "exact", reasons: [] };
    return { degree: "guarded", reasons: ["It does not say what it gives: each output is to be checked."] };
  }
  const out = containment(given, wanted);
  if (out.kind !== "yes")
    return { degree: "guarded", reasons: [`${sentence("Its output", "what it gives", out)} Each output is to be checked.`] };
  const refused = whyNotRun(given, "Its output");
  if (refused !== null) return { degree: "guarded", reasons: [`${refused} Each output is to be checked.`] };
  if (wanted === true || containment(wanted, given).kind === "yes") return { degree: "exact", reasons: [] };
  return { degree: "compatible", reasons: ["All that it gives is wanted."] };
}

function sentence(whose: string, what: string, found: Exclude<Containment, { kind: "yes" }>): string {
  const place = found.where === "" ? whose : `${whose} at ${found.where}`;
  if (found.kind === "unknown") return `${place} could not be compared: ${found.why}.`;
  return `${place} does not fit: ${what} ${found.why}.`;
}
