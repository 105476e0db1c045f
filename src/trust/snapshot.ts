// The ledger as JSON and back. Version 1 knew neither kinds, peers, instructions, history nor probation: it is read as a ledger
// that never met any.

import type { Json } from "../base/json.ts";
import { shortHash } from "../base/random.ts";
import { type Agent, type Track, trackOf } from "./agent.ts";
import { type Belief, type Fall, packed, type Regime, regimesOf, STRANGER } from "./belief.ts";
import { type Capability, newCapability, PROVEN_VERDICTS } from "./capability.ts";
import { type Costs, UNSEEN } from "./costs.ts";
import { type History, NO_HISTORY, type Point } from "./history.ts";
import { takeReport } from "./imports.ts";
import { type Instruction, type InstructionKind, type Instructions, noInstructions } from "./instructions.ts";
import { trustProblems } from "./problems.ts";

const SNAPSHOT_VERSION = 2;
const OLDEST_VERSION = 1;

type Fields = { readonly [name: string]: Json };

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function writeSnapshot(capabilities: ReadonlyMap<string, Capability>, instructions: Instructions): Json {
  return {
    version: SNAPSHOT_VERSION,
    capabilities: [...capabilities].map(([name, capability]) => writeCapability(name, capability)),
    instructions: {
      audit: instructions.audit.map((one) => ({ ...one })),
      inForce: [...instructions.inForce.values()].flatMap((own) => [...own.values()]).map((one) => ({ ...one })),
    },
  };
}

function writeCapability(name: string, capability: Capability): Json {
  const { verdicts, changes, poolRight, poolWrong, tried, hasProven, tokens, agents, peers } = capability;
  return {
    ...{ name, verdicts, changes, poolRight, poolWrong, tried, hasProven, tokens },
    agents: [...agents].map(([agent, one]) => writeAgent(agent, one)),
    peers: [...peers].map(([operator, { peer, isAllowListed, reports }]) => {
      return { operator, peer, isAllowListed, reports: [...reports.values()].map((report) => ({ ...report })) };
    }),
  };
}

function writeAgent(name: string, { verdicts, costs, kinds }: Agent): Json {
  return {
    ...{ name, verdicts, ...costs },
    kinds: [...kinds].map(([kind, { belief, history }]) => ({ kind, ...writeBelief(belief), history: { ...history } })),
  };
}

function writeBelief({ regimes, lastFall, ...belief }: Belief): Fields {
  return {
    ...belief,
    lastFall: lastFall === null ? null : { ...lastFall },
    regimes: regimesOf(regimes).map((regime) => ({ ...regime })),
  };
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Restored {
  readonly capabilities: readonly (readonly [string, Capability])[];
  readonly instructions: Instructions;
}

/** Throws TRUST_SNAPSHOT_INVALID. */
export function readSnapshot(snapshot: Json): Restored {
  const { version, capabilities, instructions } = readFields(snapshot, "the snapshot");
  if (version !== SNAPSHOT_VERSION && version !== OLDEST_VERSION)
    throw unreadable("version", version, `${OLDEST_VERSION} or ${SNAPSHOT_VERSION}`);
  return {
    capabilities: readList(capabilities, "capabilities").map((one, at) => readCapability(one, `capabilities[${at}]`, version)),
    instructions: version === OLDEST_VERSION ? noInstructions() : readInstructions(instructions),
  };
}

function readCapability(value: Json, where: string, version: number): [string, Capability] {
  const fields = readFields(value, where);
  const number = (name: string) => readNumber(fields[name], `${where}.${name}`);
  const agents = new Map(
    readList(fields.agents, `${where}.agents`).map((agent, i) => readAgent(agent, `${where}.agents[${i}]`, version)),
  );
  const counts = { verdicts: number("verdicts"), changes: number("changes"), tried: number("tried") };
  const pool = { poolRight: number("poolRight"), poolWrong: number("poolWrong") };
  const capability = { ...newCapability(), ...counts, ...pool, agents };
  const name = readText(fields.name, `${where}.name`);
  const hasProven = [...agents.values()].some(({ verdicts }) => verdicts >= PROVEN_VERDICTS);
  if (version === OLDEST_VERSION) return [name, { ...capability, hasProven }];
  readPeers(fields.peers, `${where}.peers`, capability);
  const sawProven = readFlag(fields.hasProven, `${where}.hasProven`);
  return [name, { ...capability, hasProven: sawProven, tokens: number("tokens") }];
}

function readAgent(value: Json, where: string, version: number): [string, Agent] {
  const fields = readFields(value, where);
  const latencies = readList(fields.latenciesMs, `${where}.latenciesMs`);
  const latenciesMs = UNSEEN.latenciesMs.map((_, i) => readAverage(latencies[i], `${where}.latenciesMs[${i}]`));
  const costs: Costs = { latenciesMs, priceUsd: readAverage(fields.priceUsd, `${where}.priceUsd`) };
  const name = readText(fields.name, `${where}.name`);
  const verdicts = readNumber(fields.verdicts, `${where}.verdicts`);
  const kinds = version === OLDEST_VERSION ? oldKinds(fields, where) : readKinds(fields.kinds, `${where}.kinds`);
  return [name, { hash: shortHash(name), verdicts, costs, kinds: new Map(kinds) }];
}

/** One kind, of those that had a verdict. */
function oldKinds(fields: Fields, where: string): [string, Track][] {
  const belief = readBelief(fields, where);
  return belief.verdicts === 0 ? [] : [["", trackOf(belief, NO_HISTORY)]];
}

function readKinds(value: Json | undefined, where: string): [string, Track][] {
  return readList(value, where).map((one, i) => {
    const fields = readFields(one, `${where}[${i}]`);
    const number = (name: string) => readNumber(fields[name], `${where}[${i}].${name}`);
    const belief: Belief = {
      ...readBelief(fields, `${where}[${i}]`),
      ...{ falls: number("falls"), lastFall: readFall(fields.lastFall, `${where}[${i}].lastFall`) },
      ...{ weights: number("weights") },
      ...{ falsePositives: number("falsePositives"), falseNegatives: number("falseNegatives") },
    };
    return [readText(fields.kind, `${where}[${i}].kind`), trackOf(belief, readHistory(fields.history, `${where}[${i}].history`))];
  });
}

/** What both versions know. */
function readBelief(fields: Fields, where: string): Belief {
  const number = (name: string) => readNumber(fields[name], `${where}.${name}`);
  return {
    ...STRANGER,
    ...{ verdicts: number("verdicts"), right: number("right"), firstAt: number("firstAt"), lastAt: number("lastAt") },
    ...{ changedAt: number("changedAt"), strikes: number("strikes"), struckAt: number("struckAt") },
    weights: number("verdicts"),
    regimes: packed(
      readList(fields.regimes, `${where}.regimes`).map((regime, i) => readRegime(regime, `${where}.regimes[${i}]`)),
    ),
  };
}

function readRegime(value: Json, where: string): Regime {
  const { weight, right, wrong, birth } = readFields(value, where);
  return {
    ...{ weight: readNumber(weight, `${where}.weight`), right: readNumber(right, `${where}.right`) },
    ...{ wrong: readNumber(wrong, `${where}.wrong`), birth: readNumber(birth, `${where}.birth`) },
  };
}

function readFall(value: Json | undefined, where: string): Fall | null {
  if (value === null) return null;
  const { at, from, to } = readFields(value, where);
  return { at: readNumber(at, `${where}.at`), from: readNumber(from, `${where}.from`), to: readNumber(to, `${where}.to`) };
}

function readHistory(value: Json | undefined, where: string): History {
  const { points, stride } = readFields(value, where);
  const read = readList(points, `${where}.points`).map((point, i): Point => {
    const [at, mean, deviation] = readList(point, `${where}.points[${i}]`);
    const number = (one: Json | undefined) => readNumber(one, `${where}.points[${i}]`);
    return [number(at), number(mean), number(deviation)];
  });
  return { points: read, stride: readNumber(stride, `${where}.stride`) };
}

function readPeers(value: Json | undefined, where: string, capability: Capability): void {
  for (const [i, one] of readList(value, where).entries()) {
    const { operator, peer, isAllowListed, reports } = readFields(one, `${where}[${i}]`);
    const whose = {
      ...{ operator: readText(operator, `${where}[${i}].operator`), peer: readText(peer, `${where}[${i}].peer`) },
      ...{ allowListed: readFlag(isAllowListed, `${where}[${i}].isAllowListed`), capability: "" },
    };
    for (const [j, report] of readList(reports, `${where}[${i}].reports`).entries())
      readReport(report, `${where}[${i}].reports[${j}]`, whose, capability);
  }
}

type Whose = Omit<Parameters<typeof takeReport>[1], "agent" | "right" | "wrong">;

function readReport(value: Json, where: string, whose: Whose, { peers, agents }: Capability): void {
  const fields = readFields(value, where);
  const [kind, agent] = [readText(fields.kind, `${where}.kind`), readText(fields.agent, `${where}.agent`)];
  const [right, wrong] = [readNumber(fields.right, `${where}.right`), readNumber(fields.wrong, `${where}.wrong`)];
  takeReport(peers, { ...whose, kind, agent, right, wrong }, agents.get(agent)?.kinds.get(kind)?.belief ?? STRANGER);
}

function readInstructions(value: Json | undefined): Instructions {
  const { audit, inForce } = readFields(value, "instructions");
  const read = (list: Json | undefined, where: string) =>
    readList(list, where).map((one, i) => readInstruction(one, `${where}[${i}]`));
  const instructions = noInstructions();
  instructions.audit = read(audit, "instructions.audit");
  for (const one of read(inForce, "instructions.inForce")) {
    const own = instructions.inForce.get(one.agent) ?? new Map<string | null, Instruction>();
    instructions.inForce.set(one.agent, own.set(one.capability ?? null, one));
  }
  return instructions;
}

const INSTRUCTION_KINDS: ReadonlySet<string> = new Set<InstructionKind>(["pin", "ban", "clear", "forgive"]);

function readInstruction(value: Json, where: string): Instruction {
  const fields = readFields(value, where);
  const text = (name: string) => readText(fields[name], `${where}.${name}`);
  const kind = text("kind");
  if (!INSTRUCTION_KINDS.has(kind)) throw unreadable(`${where}.kind`, kind, [...INSTRUCTION_KINDS].join(", "));
  const of = fields.capability === undefined ? {} : { capability: text("capability") };
  const about = { by: text("by"), why: text("why"), at: readNumber(fields.at, `${where}.at`) };
  return { kind: kind as InstructionKind, agent: text("agent"), ...of, ...about };
}

function readFields(value: Json | undefined, where: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw unreadable(where, value, "an object");
}

function readList(value: Json | undefined, where: string): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw unreadable(where, value, "an array");
}

function readText(value: Json | undefined, where: string): string {
  if (typeof value === "string") return value;
  throw unreadable(where, value, "a string");
}

function readFlag(value: Json | undefined, where: string): boolean {
  if (typeof value === "boolean") return value;
  throw unreadable(where, value, "true or false");
}

function readNumber(value: Json | undefined, where: string): number {
  if (typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw unreadable(where, value, "a number from 0");
}

function readAverage(value: Json | undefined, where: string): number | null {
  return value === null ? null : readNumber(value, where);
}

function unreadable(where: string, value: Json | undefined, wanted: string): Error {
  const shown =
    value === undefined ? "missing" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : value;
  return trustProblems.TRUST_SNAPSHOT_INVALID(`${where} is ${shown}; it must be ${wanted}.`);
}
