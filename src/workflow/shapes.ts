// The shapes of the Open Workflow Specification 1.0.3 (schema/workflow.yaml, at its tag and on main): what a document
// may consist of. Features that come later are not looked into: they are refused by name.

import type { Json } from "../base/json.ts";
import type { CallStrategy } from "./context.ts";
import { didYouMean, type Report, type Trail } from "./diagnostic.ts";
import {
  anything,
  boolean,
  byType,
  duration,
  expression,
  integer,
  isObject,
  list,
  named,
  number,
  object,
  oneOf,
  orExpression,
  type Shape,
  text,
  textLike,
  uri,
  words,
  wrongType,
} from "./shape.ts";

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;
const LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;

const version = textLike(SEMVER, "a semantic version", "Write it like 1.0.0, in quotes.");
const label = textLike(LABEL, "a name", "Letters, digits and `-`, at most 63, beginning and ending with a letter or digit.");

/** A value that may be anything, expressions included. */
const free = object({}, { rest: anything });

const timeout = byType(
  { text, object: object({ after: duration }, { required: ["after"] }) },
  "a timeout: { after: … }, or the name of one",
);

function credentials(required: readonly string[]): Shape {
  const fields = Object.fromEntries(required.map((name) => [name, text]));
  return (value, at, report) => {
    const isSecret = isObject(value) && "use" in value;
    object(isSecret ? { use: text } : fields, { required: isSecret ? ["use"] : required })(value, at, report);
  };
}

const basic = credentials(["username", "password"]);
const bearer = credentials(["token"]);

function policyShape(isOpen: boolean): Shape {
  const kinds = { basic, bearer, digest: anything, oauth2: anything, oidc: anything, certificate: anything };
  const branches = Object.entries(kinds).map(([kind, shape]) => [kind, object({ [kind]: shape }, { isOpen })]);
  return oneOf(Object.fromEntries(branches), "An authentication");
}

const policy = policyShape(true);
const inlinePolicy = policyShape(false);

const authentication: Shape = byType(
  {
    object: (value, at, report) => {
      const isNamed = isObject(value) && "use" in value;
      (isNamed ? object({ use: text }, { required: ["use"] }) : inlinePolicy)(value, at, report);
    },
  },
  "an authentication",
);

const endpoint = byType(
  { text: uri, object: object({ uri, authentication }, { required: ["uri"] }) },
  "a URI, or { uri: …, authentication: … }",
);

const resource = object({ name: text, endpoint }, { required: ["endpoint"] });

const schema: Shape = (value, at, report) => {
  const isElsewhere = isObject(value) && "resource" in value;
  object(isElsewhere ? { format: text, resource } : { format: text, document: anything }, {
    required: [isElsewhere ? "resource" : "document"],
  })(value, at, report);
};

const transformation = byType({ text, object: free }, "an expression, or an object with expressions in it");
const input = object({ schema, from: transformation });
const output = object({ schema, as: transformation });

const error = object(
  { type: uri, status: integer(), instance: text, title: text, detail: text },
  { required: ["type", "status"] },
);

const condition = text;

const retry = object({
  when: condition,
  exceptWhen: condition,
  delay: duration,
  backoff: oneOf(
    { constant: object({ constant: free }), exponential: object({ exponential: free }), linear: object({ linear: free }) },
    "A backoff",
  ),
  limit: object({ attempt: object({ count: integer(), duration }), duration }),
  jitter: object({ from: duration, to: duration }, { required: ["from", "to"] }),
});

const eventProperties: Readonly<Record<string, Shape>> = {
  id: text,
  source: uri,
  type: text,
  time: text,
  subject: text,
  datacontenttype: text,
  dataschema: uri,
  data: anything,
};

const filter = object(
  { with: object(eventProperties, { rest: anything, atLeastOne: true }), correlate: anything },
  { required: ["with"] },
);

const consumption = oneOf(
  {
    one: object({ one: filter }),
    any: object({ any: list(filter), until: anything }),
    all: object({ all: list(filter) }),
  },
  "What is listened for",
);

// Tasks.

const resources = object({
  tokens: number(0, Number.MAX_SAFE_INTEGER),
  usd: number(0, Number.MAX_SAFE_INTEGER),
  calls: integer(0),
  wallTime: duration,
  slots: named(integer(0)),
});

const expectations = object({
  deadline: duration,
  p95: duration,
  successRate: number(0, 1),
  costUsd: number(0, Number.MAX_SAFE_INTEGER),
});

/** What Baton is told in `metadata.baton`, where the specification leaves room. */
const metadata = object({ baton: object({ capabilities: list(text), resources, expectations }) }, { rest: anything });

const common: Readonly<Record<string, Shape>> = {
  if: condition,
  input,
  output,
  export: output,
  timeout,
  then: text,
  metadata,
};

const tasks: Shape = (value, at, report) => taskList(value, at, report);

const answerForm = words("raw", "content", "response");
const pairs = byType({ text: expression, object: named(text) }, "an object, or an expression that gives one");

const http = object(
  { method: text, endpoint, headers: pairs, body: anything, query: pairs, output: answerForm, redirect: boolean },
  { required: ["method", "endpoint"] },
);

const openapi = object(
  { document: resource, operationId: text, parameters: free, authentication, output: answerForm, redirect: boolean },
  { required: ["document", "operationId"] },
);

const people = byType({ text, list: list(text) }, "a name, or a list of names");

/** `call: ask`: a question for a person. */
const ask = object(
  {
    question: text,
    schema: anything,
    to: people,
    default: anything,
    timeout: duration,
  },
  { required: ["question"] },
);

const target = textLike(
  /\$\{|^[^/\s]+\/\S|^[^/\s.]+\.[^/\s]+$/,
  "service/operation or a capability",
  "Write it like ollama/chat, or with dots: llm.chat.",
);

const lastGood: Shape = (value, at, report) => {
  if (value === true) return;
  byType({ object: object({ maxAge: duration }, { required: ["maxAge"] }) }, "true, or { maxAge: … }")(value, at, report);
};

const fallback = oneOf(
  {
    call: object({ call: target, input: anything }),
    model: object({ model: text }),
    lastGood: object({ lastGood }),
    value: object({ value: anything }),
    ask: object({ ask: text, to: people, timeout: duration }),
  },
  "A fallback",
);

const STRATEGIES: Readonly<Record<CallStrategy, true>> = {
  ...{ priority: true, "least-latency": true, "least-cost": true, "least-loaded": true },
  ...{ sticky: true, weighted: true, learned: true },
};

/** `call: service`: something for whoever can do it. */
const service = object(
  {
    target,
    input: anything,
    strategy: orExpression(words(...Object.keys(STRATEGIES))),
    stickyKey: text,
    only: orExpression(list(text)),
    except: orExpression(list(text)),
    localOnly: orExpression(boolean),
    costMaxUsd: orExpression(number(0, Number.MAX_SAFE_INTEGER)),
    timeout: duration,
    stream: text,
    fallback: list(fallback, { atLeastOne: true }),
    detailed: boolean,
  },
  { required: ["target"] },
);

const share = number(0, 1);
const amount = orExpression(number(0, 1e12));

/** `call: delegate`: a task for whoever has earned it. */
const delegate = object(
  {
    capability: text,
    ...{ kind: text, input: anything, output: anything, trustMin: orExpression(share), valueUsd: amount, delayUsdPerMs: amount },
    checks: list(
      byType({ text, object: object({ agent: text, capability: text, ask: text, to: people }) }, "jq, an agent or a question"),
    ),
    deadline: duration,
    budget: object({ tokens: amount, usd: amount, calls: amount, wallMs: amount, slots: amount }),
    risk: words("low", "high"),
    strategy: orExpression(words("learned", "least-cost", "least-latency", "priority")),
    ...{ to: people, except: people, tools: orExpression(list(text)), attemptsMax: integer(1, 100) },
    onFailure: list(object({ value: anything, ask: text, to: people }), { atLeastOne: true }),
    detailed: boolean,
  },
  { required: ["capability"] },
);

const ARGUMENTS: Readonly<Record<string, Shape>> = { http, openapi };

/** Tasks that call Baton's own functions. Looked into only where the document defines no function of that name. */
export const OWN_CALLS: ReadonlyMap<string, Shape> = new Map(
  Object.entries({ ask, service, delegate }).map(([name, args]) => [
    name,
    object({ with: args }, { required: ["with"], rest: anything }),
  ]),
);

/** Calls whose arguments are not looked into, since they come later. */
const LATER = new Set(["grpc", "asyncapi", "a2a", "mcp"]);

const call: Shape = (value, at, report) => {
  const kind = isObject(value) ? value.call : null;
  const name = typeof kind === "string" ? kind : "";
  const args = LATER.has(name) ? anything : Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name] : free;
  const needsArguments = Object.hasOwn(ARGUMENTS, name) || LATER.has(name);
  object({ ...common, call: text, with: args ?? free }, { required: needsArguments ? ["call", "with"] : ["call"] })(
    value,
    at,
    report,
  );
};

const KINDS: Readonly<Record<string, Shape>> = {
  call,
  do: object({ ...common, do: tasks }),
  emit: object({
    ...common,
    emit: object(
      { event: object({ with: object(eventProperties, { required: ["type"], rest: anything }) }, { rest: anything }) },
      { required: ["event"] },
    ),
  }),
  for: object(
    {
      ...common,
      for: object(
        { each: text, in: byType({ text, list: list(free) }, "an expression, or a list of objects"), at: text },
        { required: ["in"] },
      ),
      while: condition,
      do: tasks,
    },
    { required: ["do"] },
  ),
  fork: object({ ...common, fork: object({ branches: tasks, compete: boolean }, { required: ["branches"] }) }),
  listen: object({
    ...common,
    listen: object({ to: consumption, read: words("data", "envelope", "raw") }, { required: ["to"] }),
    foreach: anything,
  }),
  raise: object({
    ...common,
    raise: object({ error: byType({ text, object: error }, "an error, or the name of one") }, { required: ["error"] }),
  }),
  run: object({ ...common, run: runOf }),
  set: object({
    ...common,
    set: byType({ text, object: object({}, { rest: anything, atLeastOne: true }) }, "an object, or an expression"),
  }),
  switch: object({
    ...common,
    switch: list(oneNamed(object({ when: condition, then: text }, { required: ["then"] })), { atLeastOne: true }),
  }),
  try: object(
    {
      ...common,
      try: tasks,
      catch: object({
        errors: object(
          {
            with: object(
              { type: text, status: integer(), instance: text, title: text, detail: text, details: text },
              { atLeastOne: true, isOpen: true },
            ),
          },
          { isOpen: true },
        ),
        as: text,
        when: condition,
        exceptWhen: condition,
        retry: byType({ text, object: retry }, "a retry policy, or the name of one"),
        do: tasks,
        then: text,
      }),
    },
    { required: ["catch"] },
  ),
  wait: object({ ...common, wait: duration }),
};

function runOf(value: Json, at: Trail, report: Report): void {
  const shared = { await: boolean, return: words("stdout", "stderr", "code", "all", "none") };
  const workflow = object(
    { namespace: text, name: text, version: text, input: free },
    { required: ["namespace", "name", "version"] },
  );
  oneOf(
    {
      workflow: object({ ...shared, workflow }),
      script: object({ ...shared, script: anything }),
      shell: object({ ...shared, shell: anything }),
      container: object({ ...shared, container: anything }),
    },
    "What is run",
  )(value, at, report);
}

/** An object with one key, which is a name. */
function oneNamed(shape: Shape): Shape {
  return (value, at, report) => {
    if (!isObject(value)) return wrongType(value, "an object with one name in it", at, report);
    const [name, second] = Object.keys(value);
    if (name === undefined) return report.add("DOC_EMPTY", at, "It must have one name in it.");
    if (second !== undefined)
      report.add(
        "DOC_KEY_UNKNOWN",
        at.child(second),
        `\`${second}\` stands beside \`${name}\`; each item of the list has one name.`,
        {
          onKey: true,
          fix: "Begin a new item of the list with `-`, or indent it.",
        },
      );
    shape(value[name] ?? null, at.child(name), report);
  };
}

const taskList = list(oneNamed(task));

/** By the key that says what to do, so that a misspelt one gives one finding. */
export function task(value: Json, at: Trail, report: Report): void {
  if (!isObject(value)) return wrongType(value, "a task", at, report);
  const found = kindsOf(value);
  const [kind, second] = found;
  if (kind === undefined) return noKind(value, at, report);
  if (second !== undefined)
    report.add("DOC_TASK_AMBIGUOUS", at.child(second), `A task does one thing; this one has \`${kind}\` and \`${second}\`.`, {
      onKey: true,
      fix: "Make two tasks of it.",
    });
  else KINDS[kind]?.(value, at, report);
}

/** What a task says to do. A `for` has a `do`, and a `try` a `catch`, of its own. */
export function kindsOf(value: Readonly<Record<string, Json>>): string[] {
  const kinds = Object.keys(KINDS).filter((kind) => Object.hasOwn(value, kind));
  return kinds.includes("for") ? kinds.filter((kind) => kind !== "do") : kinds;
}

function noKind(value: Readonly<Record<string, Json>>, at: Trail, report: Report): void {
  const kinds = Object.keys(KINDS);
  const strange = Object.keys(value).filter((key) => !Object.hasOwn(common, key));
  for (const key of strange) {
    const meant = didYouMean(key, kinds);
    if (meant !== null)
      return report.add("DOC_TASK_UNKNOWN", at.child(key), `\`${key}\` is no task.`, {
        onKey: true,
        fix: `Did you mean \`${meant}\`?`,
      });
  }
  const [first] = strange;
  const fix = `A task has one of: ${kinds.join(", ")}.`;
  if (first === undefined) report.add("DOC_TASK_UNKNOWN", at, "The task does not say what to do.", { fix });
  else report.add("DOC_TASK_UNKNOWN", at.child(first), `\`${first}\` is no task.`, { onKey: true, fix });
}

const schedule = object({
  every: duration,
  cron: text,
  after: duration,
  on: anything,
  read: words("data", "envelope", "raw"),
});

export const documentShape = object(
  {
    document: object(
      { dsl: version, namespace: label, name: label, version, title: text, summary: text, tags: free, metadata },
      { required: ["dsl", "namespace", "name", "version"] },
    ),
    input,
    use: object({
      authentications: named(policy),
      errors: named(error),
      extensions: list(anything),
      functions: named(task),
      retries: named(retry),
      secrets: list(text),
      timeouts: named(object({ after: duration }, { required: ["after"] })),
      catalogs: anything,
    }),
    do: tasks,
    timeout,
    output,
    schedule,
    evaluate: object({ language: text, mode: words("strict", "loose") }),
  },
  { required: ["document", "do"], isOpen: true },
);
