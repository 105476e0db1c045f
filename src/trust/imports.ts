// What peers say of agents, and what it is worth. Owns reports and the weights of those who made them; leaves receipts (that
// each counted task has one) and keys to whoever takes reports in. Second-hand reports are no evidence: nothing here is exported.
//
// I1. An operator counts once per agent and kind: its newest report replaces its older one, whatever name it comes under.
// I2. A peer is weighed by how well its reports fit our own verdicts, and by nothing else than its place on the list.
// I3. What all peers together say counts at most IMPORTED_MAX verdicts, at the weighted median of what they say.
// I4. For an agent that did not change, peers move the belief by k/(k + n + 2) at most: k what they count, n our verdicts.
//
// A weight multiplies evidence, never opinions, so that nothing is counted twice (Škorić, de Hoogh & Zannone, "Flow-based
// reputation with uncertainty: evidence-based subjective logic", 2016).

import type { Belief, Evidence } from "./belief.ts";
import { NO_EVIDENCE } from "./belief.ts";
import { scaleOf } from "./beta.ts";
import { checkNumber, trustProblems } from "./problems.ts";

/** A peer's count of tasks of an agent, each backed by a receipt that was checked before. */
export interface PeerReport {
  /** Whose name it came under: shown to people. */
  readonly peer: string;
  /** Whose key signed it: what counts. */
  readonly operator: string;
  /** Named by somebody here as one to listen to. */
  readonly allowListed?: boolean;
  readonly capability: string;
  readonly kind?: string;
  readonly agent: string;
  readonly right: number;
  readonly wrong: number;
}

/** What an operator said of one agent at one kind. */
export interface Report extends Evidence {
  readonly kind: string;
  readonly agent: string;
}

export interface Peer {
  peer: string;
  isAllowListed: boolean;
  /** By kind and agent; the newest last. */
  readonly reports: Map<string, Report>;
  /** How much better each report explains our verdicts than chance does, as logarithms; follows from the rest. */
  readonly fits: Map<string, number>;
}

/** By operator. */
export type Peers = Map<string, Peer>;

/** What peers say of one agent, put together. */
export interface Imported extends Evidence {
  /** Whose reports have any weight. */
  readonly peers: number;
}

export const NOTHING_IMPORTED: Imported = { ...NO_EVIDENCE, peers: 0 };

/** Operators listened to per capability: over it, the oldest that is not on the list leaves. Protects memory. */
export const OPERATORS_PER_CAPABILITY_MAX = 64;

/** Reports kept per operator and capability: over it, the oldest leaves. Protects memory. */
export const REPORTS_PER_OPERATOR_MAX = 512;

/** What all peers together say counts as so many verdicts at most (I3). */
export const IMPORTED_MAX = 20;

/** So many peers in full agreement make up all of it. */
const PEERS_FOR_ALL = 3;

/** A report is held against our verdicts as if it were of so many tasks at most: a long one is no better than a fair one. */
const REPORT_TASKS_MAX = 10;

/** A report of so many tasks counts half. */
const REPORT_TASKS_HALF = 4;

/** Peers agree on an agent where they differ by no more. */
const AGREEMENT = 0.2;

/** How likely a peer is honest before anything is known of it. */
const HONEST_LISTED = 0.5;
const HONEST_UNLISTED = 0.1;

/** Trust in a peer is slow to come and quick to go. */
const FIT_MIN = -12;
const FIT_MAX = 5;

export function keyOf(kind: string, agent: string): string {
  return `${kind.length} ${kind}${agent}`;
}

export function checkReport({ right, wrong, operator }: PeerReport): void {
  checkNumber(right, "right", 0);
  checkNumber(wrong, "wrong", 0);
  if (operator === "") throw trustProblems.TRUST_INPUT_INVALID("operator is empty; it must be the key that signed the report.");
}

/** Takes a report in, in place of the operator's older one (I1). `own`: what our verdicts say of the agent. */
export function takeReport(peers: Peers, report: PeerReport, own: Belief): void {
  const { peer: name, operator, allowListed = false, kind = "", agent, right, wrong } = report;
  const peer = peers.get(operator) ?? { peer: name, isAllowListed: allowListed, reports: new Map(), fits: new Map() };
  peer.peer = name;
  peer.isAllowListed = allowListed;
  const key = keyOf(kind, agent);
  const kept = { kind, agent, right, wrong };
  peer.reports.delete(key);
  peer.reports.set(key, kept);
  peer.fits.set(key, fitOf(kept, own));
  if (peer.reports.size > REPORTS_PER_OPERATOR_MAX) forget(peer);
  peers.set(operator, peer);
  if (peers.size > OPERATORS_PER_CAPABILITY_MAX) leave(peers);
}

function forget({ reports, fits }: Peer): void {
  for (const oldest of reports.keys().take(1)) {
    reports.delete(oldest);
    fits.delete(oldest);
  }
}

function leave(peers: Peers): void {
  const [first] = peers.keys();
  const unlisted = peers.entries().find(([, { isAllowListed }]) => !isAllowListed);
  peers.delete(unlisted?.[0] ?? first ?? "");
}

/** Holds what peers said of an agent against what our verdicts say now (I2). */
export function weighAgain(peers: Peers, key: string, own: Belief): void {
  for (const { reports, fits } of peers.values()) {
    const report = reports.get(key);
    if (report !== undefined) fits.set(key, fitOf(report, own));
  }
}

/** The same for all that was said: where agents were forgotten or forgiven. */
export function weighAll(peers: Peers, ownOf: (kind: string, agent: string) => Belief): void {
  for (const { reports, fits } of peers.values())
    for (const [key, report] of reports) fits.set(key, fitOf(report, ownOf(report.kind, report.agent)));
}

/** ln of how much likelier our verdicts are by the report than by an even prior. */
function fitOf({ right, wrong }: Report, { verdicts, right: ownRight }: Belief): number {
  if (right + wrong === 0 || verdicts === 0) return 0;
  const scale = Math.min(1, REPORT_TASKS_MAX / (right + wrong));
  const [a, b, ownWrong] = [1 + scale * right, 1 + scale * wrong, verdicts - ownRight];
  const byReport = scaleOf(a, b) - scaleOf(a + ownRight, b + ownWrong);
  const byChance = scaleOf(1, 1) - scaleOf(1 + ownRight, 1 + ownWrong);
  return byReport - byChance;
}

/** How likely the peer is honest. */
export function weightOf({ isAllowListed, fits }: Peer): number {
  let fit = 0;
  for (const one of fits.values()) fit += one;
  const before = isAllowListed ? HONEST_LISTED : HONEST_UNLISTED;
  const odds = (before / (1 - before)) * Math.exp(Math.min(FIT_MAX, Math.max(FIT_MIN, fit)));
  return odds / (1 + odds);
}

/** What all say of one agent at one kind: evidence for its first regime (I3). */
export function importedOf(peers: Peers, key: string, weights: ReadonlyMap<Peer, number>): Imported {
  const said: Said[] = [];
  for (const peer of peers.values()) {
    const report = peer.reports.get(key);
    if (report === undefined) continue;
    const tasks = report.right + report.wrong;
    const weight = ((weights.get(peer) ?? 0) * tasks) / (tasks + REPORT_TASKS_HALF);
    if (weight > 0) said.push({ mean: (report.right + 1) / (tasks + 2), weight });
  }
  if (said.length === 0) return NOTHING_IMPORTED;
  const all = said.reduce((sum, { weight }) => sum + weight, 0);
  const mean = medianOf(said, all);
  const count = strengthOf(mean, said, all);
  return { right: mean * count, wrong: (1 - mean) * count, peers: said.length };
}

/** What one peer says of an agent, and how much it counts. */
interface Said {
  readonly mean: number;
  readonly weight: number;
}

/**
 * In verdicts: more the more peers there are, the surer they are honest, and the more of them agree. Where half of them do not,
 * nothing: a majority of liars gains nothing by being doubted, and does no harm before our own verdicts tell it apart.
 */
function strengthOf(mean: number, said: readonly Said[], all: number): number {
  const agree = said.reduce((sum, one) => sum + (Math.abs(one.mean - mean) <= AGREEMENT ? one.weight : 0), 0);
  const honesty = said.reduce((sum, { weight }) => sum + weight ** 2, 0) / all;
  return Math.min(IMPORTED_MAX, (IMPORTED_MAX * all) / PEERS_FOR_ALL) * Math.max(0, (2 * agree) / all - 1) ** 2 * honesty;
}

function medianOf(said: readonly Said[], all: number): number {
  let left = all / 2;
  const sorted = said.toSorted((a, b) => a.mean - b.mean);
  for (const { mean, weight } of sorted) {
    left -= weight;
    if (left <= 0) return mean;
  }
  return sorted.at(-1)?.mean ?? 0.5;
}
