// Checking a document: its shape, and what no schema can say: where `then` leads, what names refer to, whether
// expressions can be read, what is never reached or used.

import { Cron } from "croner";
import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { SECOND_MS } from "../base/time.ts";
import { mistakeIn } from "../jq.ts";
import { type Diagnostic, didYouMean, quoted, Report, Trail } from "./diagnostic.ts";
import { readDuration } from "./duration.ts";
import { ARGUMENTS, piecesOf, programIn } from "./expression.ts";
import { laterOfAuthentication, laterOfCall, laterOfDocument, laterOfTask } from "./later.ts";
import { type JsonSchema, readDocumentSchema } from "./schema.ts";
import { documentShape, kindsOf, OWN_CALLS } from "./shapes.ts";
import { placed, type Source } from "./source.ts";
import { isMembers, type Members, membersOf } from "./task.ts";

export interface CheckOptions {
  /** Functions that are known beside those of the document. Null: any might be. */
  readonly functions?: readonly string[] | null;
}

/** Everything that is wrong with a document that could be read, in the order of its text. */
export function checkDocument({ value, places }: Source, options: CheckOptions = {}): Diagnostic[] {
  const report = new Report();
  documentShape(value, Trail.root, report);
  new Checker(report, options).document(membersOf(value));
  return placed(report.findings, places);
}

const TASK_NAME_LENGTH_MAX = 100;

/** As schedules have it. */
const EVERY_MS_MIN = SECOND_MS;

/** What becomes of the arguments of `call: service`. */
const ASKED_OF_SERVICE = "what a service is asked";

const DIRECTIVES = ["continue", "exit", "end"];

/** Names of the document's own things, and whether somebody uses them. */
type Used = ReadonlyMap<string, Set<string>>;

class Checker {
  readonly #report: Report;
  readonly #options: CheckOptions;
  #use: Members = {};
  #definition: Members = {};
  #used: Used = new Map();

  constructor(report: Report, options: CheckOptions) {
    this.#report = report;
    this.#options = options;
  }

  document(definition: Members): void {
    this.#definition = definition;
    this.#use = membersOf(definition.use);
    this.#used = new Map(
      ["authentications", "errors", "functions", "retries", "secrets", "timeouts"].map((kind) => [kind, new Set()]),
    );
    const root = Trail.root;
    this.#version(membersOf(definition.document), root.child("document"));
    laterOfDocument(definition, root, this.#report);
    this.#shaping(definition.input, root.child("input"), "from", []);
    this.#shaping(definition.output, root.child("output"), "as", []);
    this.#timeout(definition.timeout, root.child("timeout"), []);
    this.#schedule(membersOf(definition.schedule), root.child("schedule"));
    this.#tasks(definition.do, root.child("do"), []);
    this.#definitions(root.child("use"));
    this.#unused(root.child("use"));
  }

  #version({ dsl }: Members, at: Trail): void {
    if (typeof dsl !== "string" || /^1\.0\.\d+/.test(dsl) || !/^\d+\.\d+\.\d+/.test(dsl)) return;
    this.#report.add("DOC_VERSION", at.child("dsl"), `Version ${dsl} of the specification is not known.`, {
      fix: "Baton reads 1.0.x.",
    });
  }

  #definitions(at: Trail): void {
    const { functions, errors, retries, timeouts, authentications } = this.#use;
    for (const [name, definition] of Object.entries(membersOf(functions)))
      this.#task(name, membersOf(definition), at.child("functions").child(name), []);
    for (const [name, error] of Object.entries(membersOf(errors))) this.#values(error, at.child("errors").child(name), []);
    for (const [name, retry] of Object.entries(membersOf(retries)))
      this.#retry(retry, at.child("retries").child(name), ["error"]);
    for (const [name, timeout] of Object.entries(membersOf(timeouts)))
      this.#values(timeout, at.child("timeouts").child(name), []);
    for (const [name, policy] of Object.entries(membersOf(authentications)))
      this.#authentication(policy, at.child("authentications").child(name), []);
  }

  #unused(at: Trail): void {
    const { secrets, functions, errors, retries, timeouts, authentications } = this.#use;
    const defined = { functions, errors, retries, timeouts, authentications };
    for (const [kind, all] of Object.entries(defined))
      for (const name of Object.keys(membersOf(all)))
        if (this.#used.get(kind)?.has(name) !== true)
          this.#report.add("DOC_UNUSED", at.child(kind).child(name), `\`${name}\` is never used.`, { onKey: true });
    (Array.isArray(secrets) ? (secrets as readonly Json[]) : []).forEach((name, i) => {
      if (typeof name === "string" && this.#used.get("secrets")?.has(name) !== true)
        this.#report.add("DOC_UNUSED", at.child("secrets").child(i), `The secret \`${name}\` is never used.`);
    });
  }

  #schedule({ cron, every, after }: Members, at: Trail): void {
    for (const [word, span] of Object.entries({ every, after })) {
      const spanMs = span === undefined ? EVERY_MS_MIN : readDuration(span);
      if (typeof spanMs === "number" && spanMs < EVERY_MS_MIN)
        this.#report.add("DOC_VALUE", at.child(word), "Runs are started a second apart at least.");
    }
    if (typeof cron !== "string") return;
    const place = at.child("cron");
    if (cron.trim().split(/\s+/).length !== 5) {
      this.#report.add("DOC_VALUE", place, `${quoted(cron)} has not five fields.`, {
        fix: "minute hour day month weekday, like 0 8 * * 1-5.",
      });
      return;
    }
    try {
      if (new Cron(cron, { paused: true, timezone: "UTC" }).nextRun() !== null) return;
      this.#report.add("DOC_VALUE", place, `${quoted(cron)} never comes.`);
    } catch (error) {
      this.#report.add(
        "DOC_VALUE",
        place,
        `${quoted(cron)} is no cron expression: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  // Tasks.

  #tasks(written: Json | undefined, at: Trail, names: readonly string[]): void {
    const items = Array.isArray(written) ? (written as readonly Json[]) : [];
    const tasks = items.flatMap((item, i) =>
      Object.entries(membersOf(item)).map(([name, definition]) => ({
        name,
        definition: membersOf(definition),
        at: at.child(i).child(name),
      })),
    );
    this.#taskNames(tasks);
    for (const one of tasks) {
      this.#task(one.name, one.definition, one.at, names);
    }
    const targets = tasks.flatMap(({ definition, at: place }) => targetsOf(definition, place));
    const known = targets.filter((target) => this.#isKnown(target, tasks));
    if (known.length === targets.length) this.#flow(tasks);
  }

  #taskNames(tasks: readonly PlacedTask[]): void {
    const seen = new Map<string, string>();
    for (const { name, at } of tasks) {
      const look = name.normalize("NFKC").toLowerCase();
      const other = seen.get(look);
      seen.set(look, name);
      if (name.trim() === "" || name.length > TASK_NAME_LENGTH_MAX)
        this.#report.add("DOC_NAME", at, `A task's name has 1 to ${TASK_NAME_LENGTH_MAX} characters.`, { onKey: true });
      if (name === "constructor" || name === "prototype" || name === "toString")
        this.#report.add("DOC_NAME", at, `\`${name}\` is not taken as the name of a task.`, {
          onKey: true,
          fix: "Name it otherwise.",
        });
      if (DIRECTIVES.includes(name))
        this.#report.add("DOC_NAME", at, `\`${name}\` is a direction of \`then\`; no task can be named so.`, { onKey: true });
      if (other === name)
        this.#report.add("DOC_TASK_TWICE", at, `Two tasks of this list are named \`${name}\`.`, { onKey: true });
      else if (other !== undefined && name.normalize("NFKC") === other.normalize("NFKC"))
        this.#report.add("DOC_DUPLICATE_LOOK", at, `\`${name}\` looks like another task of this list.`, { onKey: true });
    }
  }

  #isKnown({ then, at }: Target, tasks: readonly PlacedTask[]): boolean {
    if (DIRECTIVES.includes(then) || tasks.some(({ name }) => name === then)) return true;
    const names = tasks.map(({ name }) => name);
    const meant = didYouMean(then, [...names, ...DIRECTIVES]);
    const fix = meant === null ? `Beside it are: ${names.join(", ")}; and continue, exit, end.` : `Did you mean \`${meant}\`?`;
    this.#report.add("DOC_THEN_UNKNOWN", at, `\`then: ${then}\` names no task of this list.`, { fix });
    return false;
  }

  /** What is reached from the first task; and circles in which nothing ever decides. */
  #flow(tasks: readonly PlacedTask[]): void {
    const next = tasks.map((task, i) => successors(task.definition, i, tasks));
    const reached = new Set<number>();
    const open = tasks.length > 0 ? [0] : [];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (reached.has(at)) continue;
      reached.add(at);
      open.push(...(next[at] ?? []));
    }
    tasks.forEach(({ name, at }, i) => {
      if (!reached.has(i)) this.#report.add("DOC_UNREACHABLE", at, `\`${name}\` is never reached.`, { onKey: true });
    });
    const circle = tasks.findIndex((_, i) => reached.has(i) && isEndless(i, next));
    const found = tasks[circle];
    if (found !== undefined)
      this.#report.add(
        "DOC_ENDLESS",
        found.at,
        `From \`${found.name}\` on, tasks lead back to one another and nothing decides when to stop.`,
        {
          onKey: true,
          fix: "Give one of them an `if`, or a `switch` between them.",
        },
      );
  }

  #task(name: string, definition: Members, at: Trail, names: readonly string[]): void {
    void name;
    laterOfTask(definition, at, this.#report);
    this.#condition(definition.if, at.child("if"), names);
    this.#shaping(definition.input, at.child("input"), "from", names);
    this.#timeout(definition.timeout, at.child("timeout"), names);
    const [kind = ""] = kindsOf(definition);
    this.#body(kind, definition, at, names);
    this.#shaping(definition.output, at.child("output"), "as", names, "the output");
    this.#shaping(definition.export, at.child("export"), "as", names, "the context");
  }

  #body(kind: string, definition: Members, at: Trail, names: readonly string[]): void {
    const written = definition[kind];
    const place = at.child(kind);
    switch (kind) {
      case "call":
        return this.#call(definition, at, names);
      case "do":
        return this.#tasks(written, place, names);
      case "emit":
        return this.#values(written, place, names, "the event");
      case "for":
        return this.#for(definition, at, names);
      case "fork":
        return this.#tasks(membersOf(written).branches, place.child("branches"), names);
      case "listen":
        return this.#listen(membersOf(membersOf(written).to), place.child("to"), names);
      case "raise":
        return this.#raise(membersOf(written).error, place.child("error"), names);
      case "run":
        return this.#run(membersOf(membersOf(written).workflow), definition, place.child("workflow"), names);
      case "set":
        if (typeof written === "string") return this.#program(programIn(written) ?? written, written, place, names, "the data");
        return this.#values(written, place, names, "the data");
      case "switch":
        return this.#switch(written, place, names);
      case "try":
        return this.#try(definition, at, names);
      case "wait":
        return this.#values(written, place, names);
    }
  }

  #call(definition: Members, at: Trail, names: readonly string[]): void {
    const { call, with: args } = definition;
    if (typeof call !== "string" || laterOfCall(call, at, this.#report)) return;
    const place = at.child("with");
    const own = this.#isDefined(call) ? null : call;
    if (own !== null && (args === undefined || isMembers(args))) OWN_CALLS.get(own)?.(definition, at, this.#report);
    this.#values(args, place, names, own === "service" || own === "delegate" ? ASKED_OF_SERVICE : null);
    const { endpoint, authentication, document } = membersOf(args);
    this.#authentication(membersOf(endpoint).authentication, place.child("endpoint").child("authentication"), names);
    this.#authentication(
      membersOf(membersOf(document).endpoint).authentication,
      place.child("document").child("endpoint").child("authentication"),
      names,
    );
    this.#authentication(authentication, place.child("authentication"), names);
    if (call === "http" || call === "openapi") return;
    const { schema } = membersOf(args);
    if (own === "ask" && schema !== undefined && !hasExpression(schema)) this.#wholeSchema(schema, place.child("schema"));
    this.#function(call, at.child("call"));
  }

  /** Whether a function of this name is the document's own. */
  #isDefined(name: string): boolean {
    return Object.hasOwn(membersOf(this.#use.functions), name);
  }

  #function(name: string, at: Trail): void {
    const own = Object.keys(membersOf(this.#use.functions));
    this.#used.get("functions")?.add(name);
    if (own.includes(name) || OWN_CALLS.has(name)) return;
    const { functions = null } = this.#options;
    const plain = name.replace(/:[^:@]*(@default)?$/, "").replace(/@default$/, "");
    if (functions === null || functions.includes(plain.replace(/^.*\//, ""))) return;
    const meant = didYouMean(name, [...own, ...functions, "http", "openapi", ...OWN_CALLS.keys()]);
    const fix = meant === null ? "Define it in use.functions, or make it known with --with FILE." : `Did you mean \`${meant}\`?`;
    this.#report.add("DOC_FUNCTION_UNKNOWN", at, `There is no function \`${name}\`.`, { fix });
  }

  #for(definition: Members, at: Trail, names: readonly string[]): void {
    const { each = "item", at: index = "index", in: source } = membersOf(definition.for);
    const place = at.child("for").child("in");
    if (typeof source === "string") this.#program(programIn(source) ?? source, source, place, names);
    else this.#values(source, place, names);
    const inner = [...names, String(each), String(index)];
    this.#condition(definition.while, at.child("while"), inner);
    this.#tasks(definition.do, at.child("do"), inner);
  }

  #listen(to: Members, at: Trail, names: readonly string[]): void {
    for (const kind of ["one", "any", "all"]) {
      const filters = to[kind];
      const many = Array.isArray(filters) ? (filters as readonly Json[]) : filters === undefined ? [] : [filters];
      many.forEach((filter, i) => {
        const place = Array.isArray(filters) ? at.child(kind).child(i) : at.child(kind);
        this.#values(membersOf(filter).with, place.child("with"), names);
      });
      if (kind === "all" && Array.isArray(filters) && filters.length === 0)
        this.#report.add("DOC_EMPTY", at.child(kind), "There is nothing to wait for.");
    }
  }

  #raise(error: Json | undefined, at: Trail, names: readonly string[]): void {
    if (typeof error === "string") this.#reference("errors", error, at);
    else this.#values(error, at, names, "the error");
  }

  #run(workflow: Members, definition: Members, at: Trail, names: readonly string[]): void {
    this.#values(workflow.input, at.child("input"), names, "the input of another run");
    const { namespace, name } = membersOf(this.#definition.document);
    const isSelf = workflow.namespace === namespace && workflow.name === name && name !== undefined;
    if (isSelf && definition.if === undefined)
      this.#report.add("DOC_SELF_RUN", at, "The workflow runs itself without a condition.", { fix: "Give the task an `if`." });
  }

  #switch(cases: Json | undefined, at: Trail, names: readonly string[]): void {
    let defaults = 0;
    (Array.isArray(cases) ? (cases as readonly Json[]) : []).forEach((one, i) => {
      for (const [name, branch] of Object.entries(membersOf(one))) {
        const place = at.child(i).child(name);
        const { when } = membersOf(branch);
        this.#condition(when, place.child("when"), names);
        if (when === undefined && isMembers(branch) && ++defaults > 1)
          this.#report.add("DOC_DEFAULT_TWICE", place, `\`${name}\` is a second default: it has no \`when\`.`, { onKey: true });
      }
    });
  }

  #try(definition: Members, at: Trail, names: readonly string[]): void {
    this.#tasks(definition.try, at.child("try"), names);
    const caught = membersOf(definition.catch);
    const place = at.child("catch");
    const inner = [...names, String(caught.as ?? "error")];
    this.#values(membersOf(caught.errors).with, place.child("errors").child("with"), names);
    this.#condition(caught.when, place.child("when"), inner);
    this.#condition(caught.exceptWhen, place.child("exceptWhen"), inner);
    if (typeof caught.retry === "string") this.#reference("retries", caught.retry, place.child("retry"));
    else this.#retry(caught.retry, place.child("retry"), inner);
    this.#tasks(caught.do, place.child("do"), inner);
  }

  #retry(policy: Json | undefined, at: Trail, names: readonly string[]): void {
    const { when, exceptWhen, ...rest } = membersOf(policy);
    this.#condition(when, at.child("when"), names);
    this.#condition(exceptWhen, at.child("exceptWhen"), names);
    this.#values(rest, at, names);
  }

  // References.

  #timeout(written: Json | undefined, at: Trail, names: readonly string[]): void {
    if (typeof written === "string") this.#reference("timeouts", written, at);
    else this.#values(written, at, names);
  }

  #authentication(policy: Json | undefined, at: Trail, names: readonly string[]): void {
    if (!isMembers(policy)) return;
    laterOfAuthentication(policy, at, this.#report);
    if (typeof policy.use === "string") this.#reference("authentications", policy.use, at.child("use"));
    for (const kind of ["basic", "bearer", "digest", "oauth2", "oidc"]) {
      const { use } = membersOf(policy[kind]);
      if (typeof use === "string") this.#secret(use, at.child(kind).child("use"), null);
    }
    this.#values(policy, at, names);
  }

  #reference(kind: string, name: string, at: Trail): void {
    this.#used.get(kind)?.add(name);
    const known = Object.keys(membersOf(this.#use[kind]));
    if (known.includes(name)) return;
    const meant = didYouMean(name, known);
    const fix = meant === null ? `Define it in use.${kind}.` : `Did you mean \`${meant}\`?`;
    this.#report.add("DOC_REFERENCE_UNKNOWN", at, `There is no \`${name}\` in use.${kind}.`, { fix });
  }

  #secret(name: string, at: Trail, offset: number | null): void {
    const known = Array.isArray(this.#use.secrets)
      ? (this.#use.secrets as readonly Json[]).filter((one) => typeof one === "string")
      : [];
    this.#used.get("secrets")?.add(name);
    if (known.includes(name)) return;
    const meant = didYouMean(name, known as readonly string[]);
    const fix = meant === null ? "Name it in use.secrets." : `Did you mean \`${meant}\`?`;
    this.#report.add("DOC_REFERENCE_UNKNOWN", at, `There is no secret \`${name}\` in use.secrets.`, {
      fix,
      ...(offset === null ? {} : { offset }),
    });
  }

  // Schemas and expressions.

  #shaping(
    written: Json | undefined,
    at: Trail,
    field: "from" | "as",
    names: readonly string[],
    kept: string | null = null,
  ): void {
    if (!isMembers(written)) return;
    const transform = written[field];
    if (typeof transform === "string") this.#program(programIn(transform) ?? transform, transform, at.child(field), names, kept);
    else this.#values(transform, at.child(field), names, kept);
    const { document, resource } = membersOf(written.schema);
    if (document !== undefined) this.#wholeSchema(document, at.child("schema").child("document"));
    const { endpoint } = membersOf(resource);
    this.#authentication(
      membersOf(endpoint).authentication,
      at.child("schema").child("resource").child("endpoint").child("authentication"),
      names,
    );
  }

  #wholeSchema(schema: Json, at: Trail): void {
    const before = this.#report.findings.length;
    this.#schema(schema, at);
    if (this.#report.findings.length > before || !isMembers(schema)) return;
    try {
      readDocumentSchema(schema as JsonSchema, "This");
    } catch (error) {
      if (!isProblemError(error)) throw error;
      this.#report.add("DOC_SCHEMA", at, `${error.problem.detail}.`.replace(/\.\.$/, "."));
    }
  }

  /** What must not be fetched, and what may take very long elsewhere. */
  #schema(schema: Json, at: Trail): void {
    if (Array.isArray(schema)) {
      (schema as readonly Json[]).forEach((one, i) => {
        this.#schema(one, at.child(i));
      });
      return;
    }
    if (!isMembers(schema)) {
      if (typeof schema === "string" && at.pointer.endsWith("/document"))
        this.#report.add("DOC_TYPE", at, "This is text; it must be a JSON Schema.");
      return;
    }
    for (const [key, value] of Object.entries(schema)) {
      const place = at.child(key);
      if ((key === "$ref" || key === "$dynamicRef") && typeof value === "string" && !value.startsWith("#"))
        this.#report.add("DOC_SCHEMA", place, `\`${value.slice(0, 60)}\` is elsewhere; a schema refers to its own parts only.`, {
          fix: "Write it out under $defs.",
        });
      else if (key === "pattern" && typeof value === "string") this.#pattern(value, place);
      else if (typeof value === "object" && value !== null) this.#schema(value, place);
    }
  }

  #pattern(pattern: string, at: Trail): void {
    if (/\([^()]*[+*][^()]*\)[+*]/.test(pattern))
      this.#report.add("DOC_PATTERN", at, "A repetition within a repetition: harmless here, slow in other engines.");
    try {
      new RegExp(pattern, "u");
    } catch {
      this.#report.add("DOC_SCHEMA", at, `${quoted(pattern)} is no regular expression.`);
    }
  }

  #condition(written: Json | undefined, at: Trail, names: readonly string[]): void {
    if (typeof written === "string") this.#program(programIn(written) ?? written, written, at, names);
  }

  /** Every expression in a value. `kept`: what its result becomes, where that is kept. */
  #values(value: Json | undefined, at: Trail, names: readonly string[], kept: string | null = null): void {
    if (typeof value === "string") return this.#text(value, at, names, kept);
    if (Array.isArray(value)) {
      (value as readonly Json[]).forEach((item, i) => {
        this.#values(item, at.child(i), names, kept);
      });
      return;
    }
    if (!isMembers(value)) return;
    for (const key in value) this.#values(value[key], at.child(key), names, kept);
  }

  #text(text: string, at: Trail, names: readonly string[], kept: string | null): void {
    if (!text.includes("${")) return;
    const pieces = piecesOf(text);
    let isClosed = false;
    for (const piece of pieces) {
      if (typeof piece === "string") continue;
      isClosed = true;
      this.#program(piece.program, text, at, names, kept, piece.at);
    }
    if (!isClosed)
      this.#report.add("DOC_JQ_SYNTAX", at, "`${` is never closed.", { offset: text.indexOf("${"), fix: "Close it with `}`." });
  }

  #program(
    program: string,
    text: string,
    at: Trail,
    names: readonly string[],
    kept: string | null = null,
    from = Math.max(0, text.indexOf(program)),
  ): void {
    this.#variables(program, at, names, kept, from);
    const found = mistakeIn(program, { variables: [...ARGUMENTS, ...names, ...boundIn(program)] });
    if (found === null || /^\$\S+ is not defined/.test(found.message)) return;
    const undefinedFunction = /^(\w+)\/\d+ is not defined/.exec(found.message);
    this.#report.add("DOC_JQ_SYNTAX", at, found.message.replace(/ \(line \d+, column \d+\)/, ""), {
      offset: from + found.offset,
      ...(undefinedFunction === null ? {} : { fix: "Functions of jq 1.8 are known; nothing of the machine is." }),
    });
  }

  #variables(program: string, at: Trail, names: readonly string[], kept: string | null, from: number): void {
    if (!program.includes("$")) return;
    const own = boundIn(program);
    for (const found of withoutTexts(program).matchAll(/\$([A-Za-z_]\w*)(?:\s*\.\s*([A-Za-z_]\w*)|\s*\[\s*"([^"\\]+)"\s*\])?/g)) {
      const [, name = "", field, quotedField] = found;
      const offset = from + found.index;
      const known = [...ARGUMENTS, ...names];
      if (name === "secrets") {
        const member = field ?? quotedField;
        if (member === undefined) for (const one of this.#secretNames()) this.#used.get("secrets")?.add(one);
        else this.#secret(member, at, offset);
        if (kept !== null)
          this.#report.add("DOC_SECRET_IN_OUTPUT", at, `A secret becomes a part of ${kept}, which is kept and shown (masked).`, {
            offset,
            fix: kept === ASKED_OF_SERVICE ? "Name it in the service's `authentication`." : "Use it where the call is made.",
          });
      } else if (!known.includes(name) && !own.has(name) && name !== "__loc__") {
        const meant = didYouMean(name, known);
        const fix = meant === null ? `Known here: ${known.map((one) => `$${one}`).join(", ")}.` : `Did you mean \`$${meant}\`?`;
        this.#report.add("DOC_JQ_VARIABLE", at, `\`$${name}\` is not there.`, { offset, fix });
      }
    }
  }

  #secretNames(): string[] {
    const { secrets } = this.#use;
    return Array.isArray(secrets) ? (secrets as readonly Json[]).filter((one) => typeof one === "string") : [];
  }
}

interface PlacedTask {
  readonly name: string;
  readonly definition: Members;
  readonly at: Trail;
}

interface Target {
  readonly then: string;
  readonly at: Trail;
}

/** Everywhere a task says where to go. */
function targetsOf(definition: Members, at: Trail): Target[] {
  const targets: Target[] = [];
  const add = (then: Json | undefined, place: Trail): void => {
    if (typeof then === "string") targets.push({ then, at: place.child("then") });
  };
  add(definition.then, at);
  add(membersOf(definition.catch).then, at.child("catch"));
  if (Array.isArray(definition.switch))
    (definition.switch as readonly Json[]).forEach((one, i) => {
      for (const [name, branch] of Object.entries(membersOf(one)))
        add(membersOf(branch).then, at.child("switch").child(i).child(name));
    });
  return targets;
}

/** Which tasks may come after one. */
function successors(definition: Members, position: number, tasks: readonly PlacedTask[]): number[] {
  const place = (then: Json | undefined): number[] => {
    if (then === undefined || then === "continue") return [position + 1];
    if (then === "exit" || then === "end") return [];
    const found = tasks.findIndex(({ name }) => name === then);
    return found < 0 ? [] : [found];
  };
  const next = new Set<number>();
  if (definition.if !== undefined) next.add(position + 1);
  if (Array.isArray(definition.switch)) {
    const cases = (definition.switch as readonly Json[]).flatMap((one) => Object.values(membersOf(one)));
    for (const branch of cases) for (const one of place(membersOf(branch).then)) next.add(one);
    if (cases.some((branch) => membersOf(branch).when === undefined)) return within(next, tasks);
  }
  const caught = membersOf(definition.catch).then;
  if (caught !== undefined) for (const one of place(caught)) next.add(one);
  for (const one of definition.raise === undefined ? place(definition.then) : []) next.add(one);
  return within(next, tasks);
}

function within(next: ReadonlySet<number>, tasks: readonly PlacedTask[]): number[] {
  return [...next].filter((position) => position < tasks.length);
}

/** Whether each task on the way has one way to go, and the way comes back. */
function isEndless(from: number, next: readonly (readonly number[])[]): boolean {
  const seen = new Set<number>();
  for (let at = from; ; ) {
    const [only, second] = next[at] ?? [];
    if (only === undefined || second !== undefined) return false;
    if (seen.has(at)) return true;
    seen.add(at);
    at = only;
  }
}

/** Names a program binds itself: `as $x`, patterns, parameters and labels. */
function boundIn(program: string): Set<string> {
  const names = new Set<string>();
  for (const [pattern] of program.matchAll(/\bas\s+(\$\w+|\[[^|]*\]|\{[^|]*\}|\?\/\/|\s)+/g))
    for (const [, name = ""] of pattern.matchAll(/\$(\w+)/g)) names.add(name);
  for (const [, parameters = ""] of program.matchAll(/\bdef\s+\w+\s*\(([^)]*)\)/g))
    for (const [, name = ""] of parameters.matchAll(/\$(\w+)/g)) names.add(name);
  for (const [, name = ""] of program.matchAll(/\b(?:label|break)\s+\$(\w+)/g)) names.add(name);
  return names;
}

/** What stands in texts is no program, save what is interpolated; blanks keep the places. */
function withoutTexts(program: string): string {
  return program.replace(/"(?:[^"\\]|\\(?!\()[\s\S])*"/g, (text) => `"${" ".repeat(Math.max(0, text.length - 2))}"`);
}

/** A value that is known only when it is evaluated. */
function hasExpression(value: Json): boolean {
  if (typeof value === "string") return value.includes("${");
  return typeof value === "object" && value !== null && Object.values(value).some((one) => hasExpression(one as Json));
}
