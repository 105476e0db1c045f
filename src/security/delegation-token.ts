// What an agent was handed on with its task: what it may do, how long and for how much. Owns the token of a chain of
// delegations, its signing, narrowing and verifying; leaves keys to signer.ts, spending to budgets, and what an agent does
// to whoever carries it out. Pure: moments are Unix ms and `now` is an argument.
//
//   token = link ~ link ~ …        link = claims . signature        both base64url, claims canonical JSON
//
// 1. The first link is signed by a root key of the verifier's; each other by the `holder` that the link before it names. So
//    whoever holds a token can hand on a part of it offline, and anybody can verify that from the token and the root keys.
// 2. Each link is within the one before it, in every field: the same run; capabilities, tools, budget and deadline no
//    wider; at least one hop less left; its path that of the one before and its agent. No agent comes twice.
// 3. Each link carries the hash of all before it: links cannot be taken out, exchanged or put elsewhere.
// 4. What is accepted is addressed to the verifier, before its deadline, and has one spelling: not a byte may differ.
// 5. A token is at most TOKEN_BYTES_MAX long and has at most DEPTH_MAX hops; it is read strictly, and claims of another name
//    are refused.
//
// A token tells what was granted to its `audience`, not who shows it: whoever shows one must be known by other means, or
// sign something fresh with `holder`.

import { createHash, randomBytes } from "node:crypto";
import { canonicalJson, type Json, readJson } from "../base/json.ts";
import { unreachable } from "../base/never.ts";
import { isProblemError } from "../base/problem.ts";
import { INSTANT_MAX, rfc3339 } from "../base/time.ts";
import { type Amounts, RESOURCES, readAmounts } from "../flow.ts";
import { isSigned, keyIdOf, type Signer } from "./signer.ts";

export interface DelegationClaims {
  readonly v: 1;
  readonly run: string;
  /** Of this hop. */
  readonly delegation: string;
  /** The name of the key that signed: a root's, or the holder's of the link before. */
  readonly issuer: string;
  /** The agent that it is for. */
  readonly audience: string;
  /** The public key that may sign the next link. */
  readonly holder: string;
  /** Each covers its dotted descendants: `write` covers `write.brief`. */
  readonly capabilities: readonly string[];
  readonly tools: readonly string[] | "all";
  /** What is left out is not bounded here. */
  readonly budget: Amounts;
  /** Unix ms; over at this moment. */
  readonly deadlineAt: number;
  /** Hops that may follow. */
  readonly depth: number;
  /** The agents before this one, the first first. */
  readonly path: readonly string[];
  /** 16 random bytes in base64url: no two tokens are the same. */
  readonly nonce: string;
  /** Base64url of the SHA-256 of the token that this link was added to; null in the first. */
  readonly parent: string | null;
}

/** What a root grants. `depth`: DEPTH_MAX where nothing is said; `holder`: the signer itself, which then signs for all. */
export interface DelegationGrant
  extends Pick<DelegationClaims, "run" | "delegation" | "audience" | "capabilities" | "tools" | "budget" | "deadlineAt"> {
  readonly depth?: number;
  readonly holder?: string;
  readonly nonce?: string;
}

/**
 * What is handed on; what is left out is as in the parent, and a hop less. `holder`: the key of the agent it is for, so that
 * it can hand on by itself; the signer's own where nothing is said.
 */
export interface DelegationNarrowing
  extends Pick<DelegationClaims, "delegation" | "audience">,
    Partial<Pick<DelegationClaims, "capabilities" | "tools" | "budget" | "deadlineAt" | "depth">> {
  readonly holder?: string;
  readonly nonce?: string;
}

/** `link` counts from 1, the root's. */
export type DelegationRefusal =
  | { readonly kind: "malformed"; readonly why: string }
  | { readonly kind: "root-unknown"; readonly issuer: string }
  | { readonly kind: "signature-wrong" | "chain-broken" | "too-deep"; readonly link: number }
  | { readonly kind: "not-holder"; readonly link: number; readonly issuer: string; readonly holder: string }
  | { readonly kind: "loop"; readonly link: number; readonly agent: string }
  | {
      readonly kind: "widened";
      readonly link: number;
      readonly field: keyof DelegationClaims;
      readonly parent: Json;
      readonly child: Json;
    }
  | { readonly kind: "expired"; readonly deadlineAt: number; readonly now: number }
  | { readonly kind: "audience-other"; readonly audience: string; readonly verifier: string };

export type DelegationToken =
  | { readonly ok: true; readonly token: string; readonly claims: DelegationClaims }
  | { readonly ok: false; readonly refusal: DelegationRefusal };

export type DelegationVerdict =
  | {
      readonly ok: true;
      /** In effect: those of the last link, which is within all others. */
      readonly claims: DelegationClaims;
      /** All links, the root's first. */
      readonly chain: readonly DelegationClaims[];
    }
  | { readonly ok: false; readonly refusal: DelegationRefusal };

// ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A token's length: protects whoever reads it, and headers it may travel in. */
export const TOKEN_BYTES_MAX = 8 << 10;

/** Hops after the first link: each adds its errors to the work, and its signature to every check. */
export const DEPTH_MAX = 3;

/** Capabilities, or tools, in one link. */
export const NAMES_MAX = 64;

/** Characters of an id or a name. */
const NAME_MAX = 128;

/** Sets these signatures apart from all others of the same keys. */
const SIGNED_AS = "baton delegation 1\n";

// ── Making ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The first link of a chain. */
export function mintDelegation(grant: DelegationGrant, signer: Signer): DelegationToken {
  const { depth = DEPTH_MAX, holder = signer.publicKey, nonce = freshNonce(), ...rest } = grant;
  const claims = { ...rest, depth, holder, nonce, v: 1, issuer: signer.keyId, path: [], parent: null } as const;
  return signed(null, claims, signer);
}

/** One more link, for another agent; the signer is the holder that the token's last link names. */
export function narrowDelegation(token: unknown, narrowing: DelegationNarrowing, signer: Signer): DelegationToken {
  const read = readToken(token);
  if (!read.ok) return read;
  const [last] = read.links.toReversed();
  if (last === undefined) return refused({ kind: "malformed", why: "it has no links" });
  const { holder = signer.publicKey, nonce = freshNonce(), budget = {}, ...rest } = narrowing;
  const claims: DelegationClaims = {
    ...last.claims,
    ...{ depth: last.claims.depth - 1, ...rest, holder, nonce },
    budget: { ...last.claims.budget, ...budget },
    path: [...last.claims.path, last.claims.audience],
    issuer: signer.keyId,
    parent: hashOf(last.upTo),
  };
  const refusal = whyNotWithin(last.claims, claims, read.links.length + 1);
  return refusal === null ? signed(last.upTo, claims, signer) : refused(refusal);
}

function freshNonce(): string {
  return randomBytes(16).toString("base64url");
}

function signed(before: string | null, given: DelegationClaims, signer: Signer): DelegationToken {
  const why = whyNoClaims(given);
  if (why !== null) return refused({ kind: "malformed", why });
  const claims = { ...given, budget: readAmounts(given.budget, "budget") };
  const text = canonicalJson(claims as unknown as Json);
  const link = `${Buffer.from(text).toString("base64url")}.${signer.sign(SIGNED_AS + text)}`;
  const token = before === null ? link : `${before}~${link}`;
  return token.length <= TOKEN_BYTES_MAX ? { ok: true, token, claims } : refused(tooLong(token));
}

// ── Verifying ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface DelegationCheck {
  /** Public keys whose grants are trusted. */
  readonly rootKeys: readonly string[];
  /** The agent that was handed the token, or that a caller is known to be. */
  readonly audience: string;
}

/** What the token grants to `audience` now, or why it grants nothing. */
export function verifyDelegation(token: unknown, { rootKeys, audience }: DelegationCheck, now: number): DelegationVerdict {
  const read = readToken(token);
  if (!read.ok) return read;
  const chain = read.links.map(({ claims }) => claims);
  const claims = chain.at(-1);
  if (claims === undefined) return refused({ kind: "malformed", why: "it has no links" });
  const refusal = whyNoChain(read.links, rootKeys) ?? whyNotHere(claims, audience, now);
  return refusal === null ? { ok: true, claims, chain } : refused(refusal);
}

function whyNotHere(claims: DelegationClaims, verifier: string, now: number): DelegationRefusal | null {
  const { audience, deadlineAt } = claims;
  if (audience !== verifier) return { kind: "audience-other", audience, verifier };
  return now < deadlineAt ? null : { kind: "expired", deadlineAt, now };
}

function whyNoChain(links: readonly Link[], rootKeys: readonly string[]): DelegationRefusal | null {
  let before: Link | null = null;
  for (const [index, link] of links.entries()) {
    const refusal: DelegationRefusal | null = before === null ? whyNoRoot(link, rootKeys) : whyNotAfter(before, link, index + 1);
    if (refusal !== null) return refusal;
    before = link;
  }
  return null;
}

function whyNoRoot(link: Link, rootKeys: readonly string[]): DelegationRefusal | null {
  const { issuer, parent, path } = link.claims;
  if (parent !== null || path.length > 0) return { kind: "chain-broken", link: 1 };
  const key = rootKeys.find((rootKey) => keyIdOf(rootKey) === issuer);
  if (key === undefined) return { kind: "root-unknown", issuer };
  return isSigned(key, SIGNED_AS + link.text, link.signature) ? null : { kind: "signature-wrong", link: 1 };
}

function whyNotAfter(before: Link, link: Link, at: number): DelegationRefusal | null {
  if (link.claims.parent !== hashOf(before.upTo)) return { kind: "chain-broken", link: at };
  const refusal = whyNotWithin(before.claims, link.claims, at);
  if (refusal !== null) return refusal;
  return isSigned(before.claims.holder, SIGNED_AS + link.text, link.signature) ? null : { kind: "signature-wrong", link: at };
}

/** Why a child's claims are not within its parent's; null when they are (2). */
function whyNotWithin(parent: DelegationClaims, child: DelegationClaims, link: number): DelegationRefusal | null {
  const holder = keyIdOf(parent.holder);
  if (child.issuer !== holder) return { kind: "not-holder", link, issuer: child.issuer, holder };
  if (parent.depth === 0) return { kind: "too-deep", link };
  if (child.path.includes(child.audience)) return { kind: "loop", link, agent: child.audience };
  const field = CLAIMS.find((name) => !WITHIN[name](parent, child));
  if (field === undefined) return null;
  return { kind: "widened", link, field, parent: json(parent[field]), child: json(child[field]) };
}

/** Whether a child's claim is within its parent's, claim by claim. Those that say true are compared elsewhere, or free. */
const WITHIN: Readonly<Record<keyof DelegationClaims, (parent: DelegationClaims, child: DelegationClaims) => boolean>> = {
  v: (parent, child) => child.v === parent.v,
  run: (parent, child) => child.run === parent.run,
  delegation: (parent, child) => child.delegation !== parent.delegation,
  issuer: () => true,
  audience: () => true,
  holder: () => true,
  capabilities: (parent, child) => child.capabilities.every((name) => allowsCapability(parent, name)),
  tools: (parent, child) =>
    child.tools === "all" ? parent.tools === "all" : child.tools.every((name) => allowsTool(parent, name)),
  budget: (parent, child) => isBudgetWithin(parent.budget, child.budget),
  deadlineAt: (parent, child) => child.deadlineAt <= parent.deadlineAt,
  depth: (parent, child) => child.depth < parent.depth,
  path: (parent, child) => canonicalJson(child.path) === canonicalJson([...parent.path, parent.audience]),
  nonce: () => true,
  parent: () => true,
};

const CLAIMS = Object.keys(WITHIN) as readonly (keyof DelegationClaims)[];

/** What the parent bounds the child bounds, too, and no higher. */
function isBudgetWithin(parent: Amounts, child: Amounts): boolean {
  return RESOURCES.every(
    (resource) => (child[resource] ?? Number.POSITIVE_INFINITY) <= (parent[resource] ?? Number.POSITIVE_INFINITY),
  );
}

/** Whether a capability, or one that it descends from, is granted. */
export function allowsCapability({ capabilities }: Pick<DelegationClaims, "capabilities">, name: string): boolean {
  return capabilities.some((granted) => name === granted || name.startsWith(`${granted}.`));
}

export function allowsTool({ tools }: Pick<DelegationClaims, "tools">, name: string): boolean {
  return tools === "all" || tools.includes(name);
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Link {
  readonly claims: DelegationClaims;
  /** The claims as they were signed. */
  readonly text: string;
  readonly signature: string;
  /** The token that ends with this link. */
  readonly upTo: string;
}

type Read<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly refusal: DelegationRefusal };

/** Nothing is verified here but the spelling. */
function readToken(token: unknown): Read<{ readonly links: readonly Link[] }> {
  if (typeof token !== "string") return refused({ kind: "malformed", why: "it is no text" });
  if (token.length > TOKEN_BYTES_MAX) return refused(tooLong(token));
  const parts = token.split("~");
  if (parts.length > DEPTH_MAX + 1)
    return refused({ kind: "malformed", why: `it has ${parts.length} links; ${DEPTH_MAX + 1} is the limit` });
  const links: Link[] = [];
  for (const [index, part] of parts.entries()) {
    const read = readLink(part, parts.slice(0, index + 1).join("~"));
    if (typeof read === "string") return refused({ kind: "malformed", why: `link ${index + 1}: ${read}` });
    links.push(read);
  }
  return { ok: true, links };
}

/** Or what is wrong with it. */
function readLink(part: string, upTo: string): Link | string {
  const [, encoded = "", signature = ""] = /^([\w-]+)\.([\w-]{86})$/.exec(part) ?? [];
  const [text, signatureText] = [decoded(encoded, "utf8"), decoded(signature, "latin1")];
  if (text === null || text === "" || signatureText === null) return "it is not claims and a signature in base64url";
  const claims = readClaims(text);
  return typeof claims === "string" ? claims : { claims, text, signature, upTo };
}

/** Null where the same bytes have another spelling (4). */
function decoded(encoded: string, as: "utf8" | "latin1"): string | null {
  const text = Buffer.from(encoded, "base64url").toString(as);
  return Buffer.from(text, as).toString("base64url") === encoded ? text : null;
}

function readClaims(text: string): DelegationClaims | string {
  let value: Json;
  try {
    value = readJson(text, "its claims", TOKEN_BYTES_MAX);
  } catch (error) {
    if (isProblemError(error)) return error.message;
    throw error;
  }
  const why = whyNoClaims(value);
  if (why !== null) return why;
  return canonicalJson(value) === text ? (value as unknown as DelegationClaims) : "its claims are not in canonical JSON";
}

/** What is wrong with the form of claims; null when nothing is. */
function whyNoClaims(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "its claims are no object";
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(FORMS, name));
  if (unknown !== undefined) return `${JSON.stringify(unknown.slice(0, 60))} is not a claim`;
  const given: { readonly [name in keyof DelegationClaims]?: unknown } = value;
  const wrong = CLAIMS.find((name) => !FORMS[name][0](given[name]));
  return wrong === undefined ? null : `${wrong} must be ${FORMS[wrong][1]}`;
}

type Form = readonly [isIt: (value: unknown) => boolean, inWords: string];

const HASH: Form = [(value) => isBytes(value, 32), "32 bytes in base64url"];
const NAME: Form = [isName, `a text of 1 to ${NAME_MAX} characters`];

const FORMS: Readonly<Record<keyof DelegationClaims, Form>> = {
  v: [(value) => value === 1, "1"],
  run: NAME,
  delegation: NAME,
  issuer: HASH,
  audience: NAME,
  holder: HASH,
  capabilities: [
    (value) => isNames(value, NAMES_MAX) && value.every((name) => CAPABILITY.test(name)),
    `a list of at most ${NAMES_MAX} capabilities, like write.brief, none twice`,
  ],
  tools: [(value) => value === "all" || isNames(value, NAMES_MAX), `"all" or a list of at most ${NAMES_MAX} names, none twice`],
  budget: [isBudget, "an object with any of usd, tokens, calls, wallMs, slots, from 0"],
  deadlineAt: [(value) => isWhole(value, INSTANT_MAX), "a moment in Unix ms"],
  depth: [(value) => isWhole(value, DEPTH_MAX), `a whole number from 0 to ${DEPTH_MAX}`],
  path: [(value) => isNames(value, DEPTH_MAX), `a list of at most ${DEPTH_MAX} agents, none twice`],
  nonce: [(value) => isBytes(value, 16), "16 bytes in base64url"],
  parent: [(value) => value === null || isBytes(value, 32), "null or 32 bytes in base64url"],
};

/** One word at least: `write` covers all that is written. */
const CAPABILITY = /^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)*$/;

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= NAME_MAX && value.isWellFormed();
}

function isNames(value: unknown, max: number): value is readonly string[] {
  return Array.isArray(value) && value.length <= max && value.every(isName) && new Set(value).size === value.length;
}

function isBytes(value: unknown, bytes: number): boolean {
  return typeof value === "string" && Buffer.from(value, "base64url").length === bytes && decoded(value, "latin1") !== null;
}

function isWhole(value: unknown, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}

function isBudget(value: unknown): boolean {
  try {
    readAmounts(value, "budget");
    return true;
  } catch (error) {
    if (isProblemError(error)) return false;
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function tooLong(token: string): DelegationRefusal {
  return { kind: "malformed", why: `it has ${token.length} characters; ${TOKEN_BYTES_MAX} is the limit` };
}

function refused(refusal: DelegationRefusal): { readonly ok: false; readonly refusal: DelegationRefusal } {
  return { ok: false, refusal };
}

function json(claim: DelegationClaims[keyof DelegationClaims]): Json {
  return claim as Json;
}

// ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One sentence for people: `The delegation is refused: link 2 has {"usd":2} as its budget, where {"usd":1} was granted.` */
export function explainDelegation(refusal: DelegationRefusal): string {
  return `The delegation is refused: ${inWords(refusal)}.`;
}

function inWords(refusal: DelegationRefusal): string {
  switch (refusal.kind) {
    case "malformed":
      return `the token cannot be read: ${refusal.why}`;
    case "root-unknown":
      return `it was granted by a key that is not trusted here, ${refusal.issuer}`;
    case "signature-wrong":
      return `link ${refusal.link} is not signed by the key it names`;
    case "chain-broken":
      return `link ${refusal.link} does not follow the links before it`;
    case "too-deep":
      return `link ${refusal.link} is one hop more than was granted`;
    case "not-holder":
      return `link ${refusal.link} is signed by ${refusal.issuer}, where ${refusal.holder} may hand on`;
    case "loop":
      return `link ${refusal.link} hands the task back to ${JSON.stringify(refusal.agent)}, which had it`;
    case "widened": {
      const { link, field, parent, child } = refusal;
      return `link ${link} has ${shortJson(child)} as its ${field}, where ${shortJson(parent)} was granted`;
    }
    case "expired":
      return `it was good until ${rfc3339(refusal.deadlineAt)}`;
    case "audience-other":
      return `it is for ${JSON.stringify(refusal.audience)}, not for ${JSON.stringify(refusal.verifier)}`;
    default:
      return unreachable(refusal);
  }
}

function shortJson(value: Json): string {
  const text = canonicalJson(value);
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}
