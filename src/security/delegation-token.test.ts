// Tokens of delegation: what is handed on is only ever less, and nobody can make it more.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, type Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { MINUTE_MS } from "../base/time.ts";
import { openVault } from "../security.ts";
import {
  allowsCapability,
  allowsTool,
  DEPTH_MAX,
  type DelegationClaims,
  type DelegationGrant,
  type DelegationNarrowing,
  type DelegationRefusal,
  type DelegationToken,
  type DelegationVerdict,
  explainDelegation,
  mintDelegation,
  NAMES_MAX,
  narrowDelegation,
  TOKEN_BYTES_MAX,
  verifyDelegation,
} from "./delegation-token.ts";
import { isSigned, openSigner, type Signer, signerFrom } from "./signer.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const NOW = Date.UTC(2025, 0, 1);

/** The key of number `n`. */
const keyOf = (n: number): Signer => signerFrom(Buffer.alloc(32, n));

const ROOT = keyOf(0);
const [ANNA, BERT, CARA] = [keyOf(1), keyOf(2), keyOf(3)];

const GRANT: DelegationGrant = {
  run: "run_1",
  delegation: "d1",
  audience: "anna",
  holder: ANNA.publicKey,
  capabilities: ["write", "search.web"],
  tools: ["fetch", "grep"],
  budget: { usd: 1, tokens: 1_000 },
  deadlineAt: NOW + MINUTE_MS,
};

function tokenOf(made: DelegationToken): string {
  return made.ok ? made.token : assert.fail(explainDelegation(made.refusal));
}

/** anna → bert, and → cara; each holds a key of its own. */
function chain(length: 1 | 2 | 3): string {
  const links = [
    () => tokenOf(mintDelegation(GRANT, ROOT)),
    (token: string) => tokenOf(narrowDelegation(token, { delegation: "d2", audience: "bert", holder: BERT.publicKey }, ANNA)),
    (token: string) => tokenOf(narrowDelegation(token, { delegation: "d3", audience: "cara", holder: CARA.publicKey }, BERT)),
  ];
  return links.slice(0, length).reduce((token, add) => add(token), "");
}

function verify(token: unknown, audience: string, now = NOW): DelegationVerdict {
  return verifyDelegation(token, { rootKeys: [CARA.publicKey, ROOT.publicKey], audience }, now);
}

function refusalOf(made: { readonly ok: true } | { readonly ok: false; readonly refusal: DelegationRefusal }): DelegationRefusal {
  return made.ok ? assert.fail("it was accepted") : made.refusal;
}

function claimsOf(verdict: DelegationVerdict): DelegationClaims {
  return verdict.ok ? verdict.claims : assert.fail(explainDelegation(verdict.refusal));
}

/** What somebody could write who holds a key and keeps to no rule. */
function forged(token: string | null, claims: object, signer: Signer, domain = "baton delegation 1\n"): string {
  const text = canonicalJson(claims as Json);
  const link = `${Buffer.from(text).toString("base64url")}.${signer.sign(domain + text)}`;
  return token === null ? link : `${token}~${link}`;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}

/** The claims of a child that keeps to the rules, as they stand in the token. */
function childOf(token: string, narrowing: Partial<DelegationNarrowing> = {}): DelegationClaims {
  const holder = BERT.publicKey;
  const made = narrowDelegation(token, { delegation: "d2", audience: "bert", holder, ...narrowing }, ANNA);
  return made.ok ? made.claims : assert.fail(explainDelegation(made.refusal));
}

// ── Stories ──

test("a root grants, each holder hands on a part of it, and whoever knows the root verifies that (1, 2)", () => {
  const first = chain(1);
  assert.deepEqual(claimsOf(verify(first, "anna")).path, []);
  const less = { capabilities: ["write.brief"], tools: ["grep"], budget: { usd: 0.2, calls: 3 }, deadlineAt: NOW + 10 };
  const second = tokenOf(narrowDelegation(first, { delegation: "d2", audience: "bert", holder: BERT.publicKey, ...less }, ANNA));
  const claims = claimsOf(verify(second, "bert"));
  assert.deepEqual(
    { ...claims, nonce: "", parent: "" },
    {
      ...{ v: 1, run: "run_1", delegation: "d2", issuer: ANNA.keyId, audience: "bert", holder: BERT.publicKey },
      ...{ ...less, budget: { usd: 0.2, tokens: 1_000, calls: 3 }, depth: DEPTH_MAX - 1, path: ["anna"], nonce: "", parent: "" },
    },
  );
  assert.deepEqual([allowsCapability(claims, "write.brief.short"), allowsCapability(claims, "write.briefs")], [true, false]);
  assert.deepEqual([allowsTool(claims, "grep"), allowsTool(claims, "fetch")], [true, false]);
  const third = verify(chain(3), "cara");
  assert.deepEqual(third.ok && third.chain.map(({ audience }) => audience), ["anna", "bert", "cara"]);
});

test("one key may sign for all: then it is the holder of every link", () => {
  const { holder: _, ...grant } = GRANT;
  const first = tokenOf(mintDelegation(grant, ROOT));
  const second = tokenOf(narrowDelegation(first, { delegation: "d2", audience: "bert" }, ROOT));
  assert.equal(claimsOf(verify(second, "bert")).holder, ROOT.publicKey);
});

test("only the holder hands on (1)", () => {
  const made = narrowDelegation(chain(1), { delegation: "d2", audience: "bert" }, BERT);
  assert.deepEqual(refusalOf(made), { kind: "not-holder", link: 2, issuer: BERT.keyId, holder: ANNA.keyId });
  const first = chain(1);
  const stolen = forged(first, { ...childOf(first), issuer: BERT.keyId }, BERT);
  assert.equal(refusalOf(verify(stolen, "bert")).kind, "not-holder");
  assert.deepEqual(refusalOf(verify(forged(first, childOf(first), BERT), "bert")), { kind: "signature-wrong", link: 2 });
});

test("a root that is not known here grants nothing, nor one whose name another key took (1)", () => {
  const claims = mintDelegation(GRANT, BERT);
  assert.deepEqual(refusalOf(verify(tokenOf(claims), "anna")), { kind: "root-unknown", issuer: BERT.keyId });
  const named = { ...(claims.ok ? claims.claims : {}), issuer: ROOT.keyId };
  assert.deepEqual(refusalOf(verify(forged(null, named, BERT), "anna")), { kind: "signature-wrong", link: 1 });
  const late = { ...named, path: ["zoe"] };
  assert.deepEqual(refusalOf(verify(forged(null, late, ROOT), "anna")), { kind: "chain-broken", link: 1 });
});

test("a signature of the same key for another purpose is none", () => {
  const made = mintDelegation(GRANT, ROOT);
  const token = forged(null, made.ok ? made.claims : {}, ROOT, "");
  assert.equal(refusalOf(verify(token, "anna")).kind, "signature-wrong");
});

test("no claim can be widened, not by whoever keeps to the rules and not by whoever does not (2)", () => {
  const first = chain(1);
  const good = childOf(first);
  const { usd: _, ...withoutUsd } = good.budget;
  const wider: readonly (readonly [keyof DelegationClaims, Partial<DelegationClaims>])[] = [
    ["run", { run: "run_2" }],
    ["delegation", { delegation: "d1" }],
    ["capabilities", { capabilities: ["write", "search"] }],
    ["capabilities", { capabilities: ["writer"] }],
    ["tools", { tools: "all" }],
    ["tools", { tools: ["grep", "rm"] }],
    ["budget", { budget: { ...good.budget, usd: 1.000000001 } }],
    ["budget", { budget: withoutUsd }],
    ["budget", { budget: {} }],
    ["deadlineAt", { deadlineAt: GRANT.deadlineAt + 1 }],
    ["depth", { depth: DEPTH_MAX }],
    ["path", { path: [] }],
    ["path", { path: ["cara"] }],
    ["path", { path: ["anna", "cara"] }],
  ];
  assert.equal(verify(forged(first, good, ANNA), "bert").ok, true);
  for (const [field, claims] of wider) {
    const refusal = refusalOf(verify(forged(first, { ...good, ...claims }, ANNA), "bert"));
    assert.deepEqual([refusal.kind, "field" in refusal && refusal.field], ["widened", field], JSON.stringify(claims));
  }
  const asked = { delegation: "d2", audience: "bert", budget: { usd: 2 } };
  const refusal = refusalOf(narrowDelegation(first, asked, ANNA));
  const values = { parent: { usd: 1, tokens: 1_000 }, child: { usd: 2, tokens: 1_000 } };
  assert.deepEqual(refusal, { kind: "widened", link: 2, field: "budget", ...values });
  assert.equal(
    explainDelegation(refusal),
    'The delegation is refused: link 2 has {"tokens":1000,"usd":2} as its budget, where {"tokens":1000,"usd":1} was granted.',
  );
});

test("hops end, and no agent comes twice (2)", () => {
  const none = tokenOf(mintDelegation({ ...GRANT, depth: 0 }, ROOT));
  const further = { delegation: "d2", audience: "bert" };
  assert.deepEqual(refusalOf(narrowDelegation(none, further, ANNA)), { kind: "too-deep", link: 2 });
  for (const audience of ["anna", "bert"]) {
    const back = refusalOf(narrowDelegation(chain(2), { delegation: "d3", audience }, BERT));
    assert.deepEqual(back, { kind: "loop", link: 3, agent: audience });
  }
  const deeper = { ...childOf(chain(1)), depth: 0, parent: hashOf(none) };
  assert.deepEqual(refusalOf(verify(forged(none, deeper, ANNA), "bert")), { kind: "too-deep", link: 2 });
  const first = chain(1);
  const own = forged(first, { ...childOf(first), audience: "anna" }, ANNA);
  assert.deepEqual(refusalOf(verify(own, "anna")), { kind: "loop", link: 2, agent: "anna" });
  const names = ["bert", "cara", "dora", "emil"];
  const { holder: _, ...grant } = GRANT;
  let token = tokenOf(mintDelegation(grant, ROOT));
  for (const [i, audience] of names.slice(0, DEPTH_MAX).entries())
    token = tokenOf(narrowDelegation(token, { delegation: `e${i}`, audience }, ROOT));
  assert.equal(claimsOf(verify(token, "dora")).depth, 0);
  assert.equal(refusalOf(narrowDelegation(token, { delegation: "f", audience: "emil" }, ROOT)).kind, "too-deep");
});

test("a token is good until its deadline, and for its agent alone (4)", () => {
  const token = chain(1);
  assert.equal(verify(token, "anna", GRANT.deadlineAt - 1).ok, true);
  const late = refusalOf(verify(token, "anna", GRANT.deadlineAt));
  assert.equal(explainDelegation(late), "The delegation is refused: it was good until 2025-01-01T00:01:00.000Z.");
  assert.equal(
    explainDelegation(refusalOf(verify(token, "bert"))),
    'The delegation is refused: it is for "anna", not for "bert".',
  );
  assert.equal(refusalOf(verify(chain(3), "anna")).kind, "audience-other");
});

test("links cannot be taken out, exchanged or put elsewhere (3)", () => {
  const [one = "", two = "", three = ""] = chain(3).split("~");
  const broken = [two, [two, three], [one, three], [two, one, three], [one, three, two], [one, two, two], [one, one]];
  for (const links of broken) {
    const { kind } = refusalOf(verify([links].flat().join("~"), "cara"));
    assert.ok(kind === "chain-broken" || kind === "audience-other", kind);
  }
  const other = tokenOf(mintDelegation({ ...GRANT, capabilities: ["write", "delete"] }, ROOT));
  assert.deepEqual(refusalOf(verify(`${other}~${two}`, "bert")), { kind: "chain-broken", link: 2 });
});

test("what is no token is refused with what is wrong, whatever it is (5)", () => {
  const first = chain(1);
  const made = mintDelegation(GRANT, ROOT);
  const good: object = made.ok ? made.claims : assert.fail();
  const without = ({ nonce: _, ...rest }: Record<string, unknown>) => rest;
  const why = (token: unknown) => {
    const refusal = refusalOf(verify(token, "anna"));
    return refusal.kind === "malformed" ? refusal.why : assert.fail(refusal.kind);
  };
  for (const nothing of [null, undefined, 7, {}, [first]]) assert.equal(why(nothing), "it is no text");
  assert.equal(why("x".repeat(TOKEN_BYTES_MAX + 1)), `it has ${TOKEN_BYTES_MAX + 1} characters; ${TOKEN_BYTES_MAX} is the limit`);
  assert.equal(
    why(
      Array(DEPTH_MAX + 2)
        .fill(first)
        .join("~"),
    ),
    "it has 5 links; 4 is the limit",
  );
  for (const text of ["", "~", "a.b", `${first}~`, `${first}=`, ` ${first}`, first.replace(".", "!")])
    assert.match(why(text), /^link \d: it is not claims and a signature in base64url$/, text);
  const wrong: readonly (readonly [object, string])[] = [
    [[], "its claims are no object"],
    [{ ...good, admin: true }, '"admin" is not a claim'],
    [without({ ...good }), "nonce must be 16 bytes in base64url"],
    [{ ...good, v: 2 }, "v must be 1"],
    [{ ...good, run: "" }, "run must be a text of 1 to 128 characters"],
    [{ ...good, audience: "x".repeat(129) }, "audience must be a text of 1 to 128 characters"],
    [{ ...good, holder: "x" }, "holder must be 32 bytes in base64url"],
    [{ ...good, depth: DEPTH_MAX + 1 }, "depth must be a whole number from 0 to 3"],
    [{ ...good, deadlineAt: 1.5 }, "deadlineAt must be a moment in Unix ms"],
    [{ ...good, budget: { usd: -1 } }, "budget must be an object with any of usd, tokens, calls, wallMs, slots, from 0"],
    [{ ...good, budget: { cents: 1 } }, "budget must be an object with any of usd, tokens, calls, wallMs, slots, from 0"],
    [{ ...good, tools: "any" }, `tools must be "all" or a list of at most ${NAMES_MAX} names, none twice`],
    [{ ...good, path: ["a", "a"] }, "path must be a list of at most 3 agents, none twice"],
  ];
  for (const [claims, reason] of wrong) assert.equal(why(forged(null, claims, ROOT)), `link 1: ${reason}`);
  for (const capability of ["*", "write.*", "", ".write", "write.", "write brief"])
    assert.match(why(forged(null, { ...good, capabilities: [capability] }, ROOT)), /^link 1: capabilities must be a list/);
  const loose = JSON.stringify(good, null, 1);
  const spelled = `${Buffer.from(loose).toString("base64url")}.${ROOT.sign(`baton delegation 1\n${loose}`)}`;
  assert.equal(why(spelled), "link 1: its claims are not in canonical JSON");
});

test("what cannot be granted is a refusal, too: a claim of no form, a token too long (5)", () => {
  const fault = (grant: Partial<DelegationGrant>) => explainDelegation(refusalOf(mintDelegation({ ...GRANT, ...grant }, ROOT)));
  assert.equal(
    fault({ depth: 4 }),
    "The delegation is refused: the token cannot be read: depth must be a whole number from 0 to 3.",
  );
  const tools = Array.from({ length: NAMES_MAX }, (_, i) => `${i}`.padEnd(120, "x"));
  assert.match(fault({ tools }), /8192 is the limit/);
  const usd = 0.1 + 0.2;
  const made = mintDelegation({ ...GRANT, budget: { usd } }, ROOT);
  assert.deepEqual(made.ok && made.claims.budget, { usd: 0.3 });
});

test("every refusal has its words", () => {
  const said = (refusal: DelegationRefusal) => explainDelegation(refusal).replace("The delegation is refused: ", "");
  assert.equal(said({ kind: "root-unknown", issuer: "k" }), "it was granted by a key that is not trusted here, k.");
  assert.equal(said({ kind: "signature-wrong", link: 2 }), "link 2 is not signed by the key it names.");
  assert.equal(said({ kind: "chain-broken", link: 2 }), "link 2 does not follow the links before it.");
  assert.equal(said({ kind: "too-deep", link: 2 }), "link 2 is one hop more than was granted.");
  assert.equal(said({ kind: "not-holder", link: 2, issuer: "a", holder: "b" }), "link 2 is signed by a, where b may hand on.");
  assert.equal(said({ kind: "loop", link: 2, agent: "anna" }), 'link 2 hands the task back to "anna", which had it.');
});

// ── Keys ──

function place(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "baton-signer-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("a key is made once, kept sealed, and is no secret that work could ask for", () => {
  using folder = place();
  const signer = openSigner(folder.path);
  assert.deepEqual(openSigner(folder.path).publicKey, signer.publicKey);
  assert.equal(isSigned(signer.publicKey, "text", signer.sign("text")), true);
  assert.equal(isSigned(signer.publicKey, "texts", signer.sign("text")), false);
  assert.equal(isSigned("nonsense", "text", "nonsense"), false);
  assert.deepEqual(openVault(folder.path).list(), []);
  assert.deepEqual(readdirSync(folder.path).toSorted(), ["keys.json", "master.key", "secrets.lock"]);
  for (const file of readdirSync(folder.path)) assert.equal(statSync(join(folder.path, file)).mode & 0o077, 0, file);
});

test("where the master key is lost no other is made: that would lock out what it sealed", () => {
  using folder = place();
  openVault(folder.path).set("a", "1");
  const key = readFileSync(join(folder.path, "master.key"));
  rmSync(join(folder.path, "master.key"));
  const isLost = (error: unknown) => isProblemError(error) && error.code === "SECRET_KEY_WRONG";
  assert.throws(() => openSigner(folder.path), isLost);
  writeFileSync(join(folder.path, "master.key"), key);
  openSigner(folder.path);
  assert.equal(openVault(folder.path).value("a"), "1");
});

test("a key has 32 bytes", () => {
  assert.throws(
    () => signerFrom(Buffer.alloc(31)),
    (error) => isProblemError(error) && error.code === "SIGNING_KEY_INVALID",
  );
});

// ── Laws ──

const words = fc.constantFrom(
  "read",
  "write",
  "write.brief",
  "write.brief.short",
  "write.code",
  "search",
  "search.web",
  "writer",
);
const toolNames = fc.constantFrom("fetch", "grep", "sed", "rm");
const agents = fc.constantFrom("anna", "bert", "cara", "dora");
const some = <T>(one: fc.Arbitrary<T>) => fc.uniqueArray(one, { maxLength: 4 });
const budgets = fc.record(
  { usd: fc.nat(20).map((cents) => cents / 100), tokens: fc.nat(20), calls: fc.nat(20), wallMs: fc.nat(20), slots: fc.nat(4) },
  { requiredKeys: [] },
);

const terms = {
  audience: agents,
  holder: fc.constantFrom(ANNA, BERT).map(({ publicKey }) => publicKey),
  capabilities: some(words),
  tools: fc.oneof(fc.constant("all" as const), some(toolNames)),
  budget: budgets,
  deadlineAt: fc.integer({ min: NOW - 2, max: NOW + 10 }),
  depth: fc.nat(DEPTH_MAX),
};

const keys = fc.constantFrom(...(Object.keys(terms) as (keyof typeof terms)[]));

/** At most two things said, so that many are within what they are made from. */
const changes = fc
  .tuple(fc.record(terms), fc.uniqueArray(keys, { maxLength: 2 }))
  .map(([all, said]): Partial<typeof all> => Object.fromEntries(said.map((key) => [key, all[key]])));

const grants = fc.record({ ...terms, tools: fc.constant("all" as const), depth: fc.constantFrom(1, 2, DEPTH_MAX) });

/** Whether one grants no more than the other, asked from outside: by what each lets an agent do. */
function isWithin(child: DelegationClaims, parent: DelegationClaims): boolean {
  const asked = [
    "read",
    "read.x",
    "write",
    "write.x",
    "write.brief",
    "write.brief.x",
    "write.code",
    "search",
    "search.web",
    "writer",
  ];
  const tools = ["fetch", "grep", "sed", "rm", "any"];
  const amounts = ["usd", "tokens", "calls", "wallMs", "slots"] as const;
  return (
    child.run === parent.run &&
    asked.every((name) => !allowsCapability(child, name) || allowsCapability(parent, name)) &&
    tools.every((name) => !allowsTool(child, name) || allowsTool(parent, name)) &&
    amounts.every((name) => parent.budget[name] === undefined || (child.budget[name] ?? Number.NaN) <= parent.budget[name]) &&
    child.deadlineAt <= parent.deadlineAt &&
    child.depth < parent.depth &&
    child.path.length > parent.path.length &&
    !child.path.includes(child.audience)
  );
}

test("however a token was handed on, what verifies is within every link before it, and what is made verifies (2)", () => {
  let [made, refused] = [0, 0];
  fc.assert(
    fc.property(grants, fc.array(changes, { maxLength: 4 }), (grant, all) => {
      let token = tokenOf(mintDelegation({ ...grant, run: "run_1", delegation: "d" }, ROOT));
      let holder = grant.holder;
      for (const [i, narrowing] of all.entries()) {
        const signer = holder === ANNA.publicKey ? ANNA : BERT;
        const next = narrowDelegation(token, { audience: `agent ${i}`, ...narrowing, delegation: `d${i}` }, signer);
        if (!next.ok) {
          refused++;
          assert.ok(["widened", "loop", "too-deep"].includes(next.refusal.kind), next.refusal.kind);
          continue;
        }
        made++;
        [token, holder] = [next.token, next.claims.holder];
        const verdict = verify(token, next.claims.audience);
        assert.equal(verdict.ok, NOW < next.claims.deadlineAt);
        if (verdict.ok)
          for (const link of verdict.chain.slice(0, -1)) assert.ok(isWithin(verdict.claims, link), JSON.stringify(verdict.chain));
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(made > 100 && refused > 100, `${made} made, ${refused} refused`);
});

test("whatever a holder signs, what verifies is within every link before it (2)", () => {
  let [accepted, refused] = [0, 0];
  fc.assert(
    fc.property(grants, changes, changes, (grant, second, third) => {
      let token = tokenOf(mintDelegation({ ...grant, run: "run_1", delegation: "d", depth: DEPTH_MAX, tools: "all" }, ROOT));
      let parent = claimsOf(verifyDelegation(token, { rootKeys: [ROOT.publicKey], audience: grant.audience }, NOW - 3));
      for (const [i, changed] of [second, third].entries()) {
        const signer = parent.holder === ANNA.publicKey ? ANNA : BERT;
        const claims: DelegationClaims = {
          ...parent,
          ...{ delegation: `d${i}`, issuer: signer.keyId, audience: `agent ${i}`, depth: parent.depth - 1 },
          ...{ path: [...parent.path, parent.audience], parent: hashOf(token) },
          ...changed,
        };
        token = forged(token, claims, signer);
        parent = claims;
      }
      const verdict = verifyDelegation(token, { rootKeys: [ROOT.publicKey], audience: parent.audience }, NOW - 3);
      if (!verdict.ok) return void refused++;
      accepted++;
      const [root, middle, last] = verdict.chain;
      assert.ok(root !== undefined && middle !== undefined && last !== undefined);
      assert.ok(isWithin(last, middle) && isWithin(middle, root) && isWithin(last, root));
    }),
    { numRuns: 400 },
  );
  assert.ok(accepted > 50 && refused > 50, `${accepted} accepted, ${refused} refused`);
});

test("not a byte of a chain may differ (4)", () => {
  const token = chain(3);
  assert.equal(verify(token, "cara").ok, true);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  for (let i = 0; i < token.length; i++) {
    const at = letters.indexOf(token.charAt(i));
    const other = letters.charAt((at + 1 + (i % (letters.length - 1))) % letters.length);
    const altered = token.slice(0, i) + other + token.slice(i + 1);
    assert.notEqual(altered, token);
    assert.equal(verify(altered, "cara").ok, false, `character ${i}`);
    if (i % 5 === 0) assert.equal(verify(token.slice(0, i), "cara").ok, false, `cut at ${i}`);
  }
});

test("no bit of a claim or a signature may differ, where it is spelled rightly (4)", () => {
  const token = chain(2);
  fc.assert(
    fc.property(fc.nat(1), fc.nat(1), fc.nat(), (link, part, bit) => {
      const links = token.split("~").map((text) => text.split(".").map((encoded) => Buffer.from(encoded, "base64url")));
      const bytes = links[link]?.[part] ?? assert.fail();
      const at = bit % (8 * bytes.length);
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
      const altered = links.map((parts) => parts.map((one) => one.toString("base64url")).join(".")).join("~");
      assert.equal(verify(altered, "bert").ok, false);
    }),
    { numRuns: 400 },
  );
});
