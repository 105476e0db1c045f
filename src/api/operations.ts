// Operations: what can be asked of Baton, each once. The command line is made from this
// list, and so is whatever answers elsewhere: no handler lives here.

import { z } from "zod";
import { agentOperations } from "./agent-operations.ts";
import { define } from "./operation.ts";
import {
  entryLine,
  inboxItem,
  knownWorkflow,
  runId,
  runLine,
  runStatus,
  runView,
  scheduleLine,
  scheduleName,
  streamItem,
} from "./schemas.ts";
import { serviceOperations } from "./service-operations.ts";

const who = z.string().min(1).max(256).nullable().default(null).describe("who does it");
const itemId = z.string().max(1_000).describe("run/key; the run alone where it asks one question");
const status = z.object({ run: z.string(), status: runStatus });
const as = { flags: "--as <name>", about: "who you are (your user name)" };

/** Runs on one page of a list. */
export const PAGE_LIMIT_MAX = 1_000;

export const operations = {
  ...serviceOperations,
  ...agentOperations,
  "runs.list": define({
    summary: "List runs, newest first.",
    kind: "read",
    http: { method: "GET", path: "/v1/runs" },
    input: z.object({
      status: z.array(runStatus).optional(),
      workflow: z.string().max(300).optional(),
      since: z.string().optional(),
      query: z.string().max(2_000).optional(),
      cursor: z.string().max(100).optional(),
      limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(50),
    }),
    output: z.object({
      runs: z.array(runLine),
      nextCursor: z.string().nullable(),
      counts: z.record(z.string(), z.number()),
      owner: z.boolean(),
    }),
    cli: {
      command: "runs ls",
      options: {
        status: { flags: "-s, --status <status...>", about: "only these statuses" },
        workflow: { flags: "-w, --workflow <name>", about: "only this workflow: name, namespace/name, either with @version" },
        since: { flags: "--since <when>", about: "started since: 30m, 2h, 7d, or RFC 3339" },
        query: { flags: "--query <query>", about: 'terms that must all hold: status:failed since:2h input.customer="a"' },
        cursor: { flags: "--cursor <cursor>", about: "the next page, as the last one named it" },
        limit: { flags: "-n, --limit <count>", about: "runs on the page (50)" },
      },
      examples: [
        "baton runs ls",
        "baton runs ls --status failed --since 2h",
        "baton runs ls --query 'workflow:order input.customer=\"ada\"' --json",
      ],
    },
  }),
  "runs.show": define({
    summary: "Show one run: status, what it waits for, steps with attempts and errors.",
    kind: "read",
    http: { method: "GET", path: "/v1/runs/:run" },
    input: z.object({ run: runId }),
    output: runView,
    cli: {
      command: "runs show",
      args: ["run"],
      examples: ["baton runs show run_k3f90001", "baton runs show run_k3f90001 --json"],
    },
  }),
  "runs.journal": define({
    summary: "Print the journal of a run: every entry, in order.",
    kind: "read",
    http: { method: "GET", path: "/v1/runs/:run/journal" },
    input: z.object({
      run: runId,
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
    }),
    output: z.object({ run: z.string(), entries: z.array(entryLine), next: z.number().nullable() }),
    cli: {
      command: "runs journal",
      args: ["run"],
      options: {
        after: { flags: "--after <seq>", about: "only entries after this one" },
        limit: { flags: "-n, --limit <count>", about: "at most so many" },
      },
      examples: ["baton runs journal run_k3f90001", "baton runs journal run_k3f90001 --json"],
    },
  }),
  "runs.cancel": define({
    summary: "Cancel a run: it ends at once, what it was doing is told to stop, awaited children are canceled too.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/cancel" },
    input: z.object({ run: runId, reason: z.string().max(1_000).optional(), who }),
    output: status,
    cli: {
      command: "runs cancel",
      bulk: true,
      args: ["run"],
      options: { reason: { flags: "--reason <text>", about: "kept in the journal" } },
      examples: ['baton runs cancel run_k3f90001 --reason "wrong input"'],
    },
  }),
  "runs.resume": define({
    summary: "Let a paused run go on.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/resume" },
    input: z.object({ run: runId, who }),
    output: status,
  }),
  "runs.pause": define({
    summary: "Pause a run: steps under way end and are recorded, nothing new is begun.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/pause" },
    input: z.object({ run: runId, who }),
    output: status,
    cli: { command: "runs pause", bulk: true, args: ["run"], examples: ["baton runs pause run_k3f90001"] },
  }),
  "runs.retry": define({
    summary: "Have a step done again, with all that came after it; without --from the one that failed last.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/retry" },
    input: z.object({ run: runId, from: z.string().max(4_096).optional(), who }),
    output: status.extend({ from: z.string().nullable(), dropped: z.number().describe("entries that left the journal") }),
    cli: {
      command: "runs retry",
      bulk: true,
      args: ["run"],
      options: { from: { flags: "--from <step>", about: "the step to do again, as `runs show` names it" } },
      examples: [
        "baton runs retry run_k3f90001",
        'baton runs retry run_k3f90001 --from "charge card"',
        "baton runs retry --query 'status:failed since:2h'",
      ],
    },
  }),
  "runs.fork": define({
    summary: "Start a new run that begins with what this one has done, up to a step.",
    kind: "carry",
    http: { method: "POST", path: "/v1/runs/:run/fork" },
    input: z.object({
      run: runId,
      from: z.string().max(4_096).optional(),
      input: z.unknown().optional(),
      newest: z.boolean().default(false),
      who,
    }),
    output: z.object({ run: z.string(), from: z.string() }),
    cli: {
      command: "runs fork",
      args: ["run"],
      json: ["input"],
      options: {
        from: { flags: "--from <step>", about: "the step to do again, with all that came after it; else everything" },
        input: { flags: "--input <json>", about: "another input: JSON, @file, or -" },
        newest: { flags: "--newest", about: "with the newest version that is loaded" },
      },
      examples: [
        'baton runs fork run_k3f90001 --from draft --input \'{"topic":"tides"}\'',
        "baton runs fork run_k3f90001 --newest",
      ],
    },
  }),
  "runs.migrate": define({
    summary: "Let a run go on with other code of its workflow, once that fits what it has done.",
    kind: "carry",
    http: { method: "POST", path: "/v1/runs/:run/migrate" },
    input: z.object({
      run: runId,
      file: z.string().max(4_096).optional().describe("FILE or FILE#export, absolute; the newest that is loaded where left out"),
      who,
    }),
    output: status.extend({ from: z.string(), to: z.string() }),
    cli: {
      command: "runs migrate",
      bulk: true,
      args: ["run"],
      paths: ["file"],
      options: { file: { flags: "--to <file>", about: "the file with the other code; the newest that is loaded" } },
      examples: [
        "baton runs migrate run_k3f90001 --to brief.ts",
        "baton runs migrate --query 'workflow:brief@1.0.0 status:waiting' --to brief.ts",
      ],
    },
  }),
  "runs.skip": define({
    summary: "Give a step's result in its place; the run goes on with it.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/skip" },
    input: z.object({ run: runId, step: z.string().max(4_096), result: z.unknown().optional(), who }),
    output: status,
    cli: {
      command: "runs skip",
      args: ["run", "step"],
      json: ["result"],
      options: { result: { flags: "--result <json>", about: "what the step gives: JSON, @file, or - (null)" } },
      examples: ['baton runs skip run_k3f90001 "send mail" --result \'{"sent":false}\''],
    },
  }),
  "runs.delete": define({
    summary: "Delete a run that has ended, and the ended runs below it: nothing of them is kept.",
    kind: "steer",
    http: { method: "DELETE", path: "/v1/runs/:run" },
    input: z.object({ run: runId }),
    output: z.object({ run: z.string(), deleted: z.number().describe("runs, those below it included") }),
    cli: {
      command: "runs rm",
      bulk: true,
      args: ["run"],
      examples: ["baton runs rm run_k3f90001", "baton runs rm --query 'status:completed until:30d'"],
    },
  }),
  "runs.signal": define({
    summary: "Send a signal to a run; one id is received once.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/signals/:name" },
    input: z.object({
      run: runId,
      name: z.string().min(1).max(256),
      value: z.unknown().optional(),
      id: z.string().max(256).optional(),
    }),
    output: z.object({ run: z.string(), accepted: z.boolean() }),
    cli: {
      command: "runs signal",
      args: ["run", "name", "value?"],
      json: ["value"],
      options: { id: { flags: "--id <id>", about: "one id is received once" } },
      examples: ['baton runs signal run_k3f90001 approved \'{"by":"ada"}\''],
    },
  }),
  "runs.answer": define({
    summary: "Answer a question a run asks.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/answers" },
    input: z.object({
      run: runId,
      key: z.string().describe("the key of the question"),
      value: z.unknown(),
      by: z.enum(["person", "default"]).default("person"),
      who: z.string().max(256).nullable().default(null),
    }),
    output: z.object({ run: z.string() }),
  }),
  "runs.stream": define({
    summary: "Print what a run says on its streams, from any place on.",
    kind: "read",
    http: { method: "GET", path: "/v1/runs/:run/streams/:stream" },
    input: z.object({
      run: runId,
      stream: z.string().max(256).optional(),
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
    }),
    output: z.object({ run: z.string(), items: z.array(streamItem), next: z.number().describe("where to go on: --after") }),
  }),
  "events.send": define({
    summary: "Tell events to whoever listens: one CloudEvent or a list; one source and id is taken once.",
    kind: "steer",
    http: { method: "POST", path: "/v1/events" },
    input: z.object({ events: z.unknown() }),
    output: z.object({ accepted: z.number(), repeated: z.number(), ids: z.array(z.string()) }),
    cli: {
      command: "events send",
      args: ["events"],
      json: ["events"],
      examples: [
        'baton events send \'{"type":"order.created","data":{"id":7}}\'',
        "baton events send @orders.json",
        "tail -1 event.json | baton events send -",
      ],
    },
  }),
  "events.list": define({
    summary: "List events that are kept, in the order they came.",
    kind: "read",
    http: { method: "GET", path: "/v1/events" },
    input: z.object({
      type: z.string().max(1_024).optional(),
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(50),
    }),
    output: z.object({ events: z.array(z.record(z.string(), z.unknown())), next: z.number() }),
    cli: {
      command: "events ls",
      options: {
        type: { flags: "-t, --type <type>", about: "only this type" },
        after: { flags: "--after <next>", about: "the next page, as the last one named it" },
        limit: { flags: "-n, --limit <count>", about: "events on the page (50)" },
      },
      examples: ["baton events ls", "baton events ls --type order.created --json"],
    },
  }),
  "workflows.list": define({
    summary: "List the workflows that runs were started with: versions, files, how many runs.",
    kind: "read",
    http: { method: "GET", path: "/v1/workflows" },
    input: z.object({}),
    output: z.object({ workflows: z.array(knownWorkflow) }),
    cli: { command: "workflows ls", examples: ["baton workflows ls", "baton workflows ls --json"] },
  }),
  "workflows.show": define({
    summary: "Show a workflow: its versions, its schedules, how long its runs are kept.",
    kind: "read",
    http: { method: "GET", path: "/v1/workflows/:name" },
    input: z.object({ name: z.string().max(300).describe("name or namespace/name") }),
    output: z.object({
      name: z.string(),
      versions: z.array(knownWorkflow),
      schedules: z.array(scheduleLine),
      retention: z.record(z.string(), z.number()).nullable().describe("null: for ever"),
    }),
    cli: { command: "workflows show", args: ["name"], examples: ["baton workflows show brief"] },
  }),
  "schedules.list": define({
    summary: "List schedules: when each fires next, its last run, what was skipped and missed.",
    kind: "read",
    http: { method: "GET", path: "/v1/schedules" },
    input: z.object({}),
    output: z.object({ schedules: z.array(scheduleLine) }),
    cli: { command: "schedules ls", examples: ["baton schedules ls", "baton schedules ls --json"] },
  }),
  "schedules.add": define({
    summary: "Start a workflow again and again: by cron with a zone, every so often, or so long after the last run ended.",
    kind: "carry",
    http: { method: "POST", path: "/v1/schedules" },
    input: z.object({
      name: scheduleName,
      workflow: z.string().max(4_096).describe("name, namespace/name, or the absolute path of a file (path#export)"),
      input: z.unknown().optional(),
      cron: z.string().max(1_000).optional(),
      zone: z.string().max(100).optional(),
      every: z.union([z.string().max(100), z.number()]).optional(),
      after: z.union([z.string().max(100), z.number()]).optional(),
      overlap: z.enum(["skip", "queue", "parallel"]).default("skip"),
      catchUp: z.union([z.enum(["none", "one"]), z.coerce.number().int().min(1).max(1_000)]).default("one"),
    }),
    output: scheduleLine,
    cli: {
      command: "schedules add",
      args: ["name", "workflow"],
      json: ["input"],
      paths: ["workflow"],
      options: {
        cron: { flags: "--cron <expression>", about: "minute hour day month weekday, or with seconds first" },
        zone: { flags: "--zone <zone>", about: "of the cron expression, like Europe/Berlin (UTC)" },
        every: { flags: "--every <span>", about: "like 30s or 1h30m" },
        after: { flags: "--after <span>", about: "so long after the last run ended" },
        input: { flags: "--input <json>", about: "of each run: JSON, @file, or -" },
        overlap: { flags: "--overlap <how>", about: "while the last run goes on: skip, queue or parallel (skip)" },
        catchUp: { flags: "--catch-up <which>", about: "firings nobody was there for: none, one, or the newest so many (one)" },
      },
      examples: [
        'baton schedules add morning brief.ts --cron "0 9 * * 1-5" --zone Europe/Berlin --input \'{"topic":"tides"}\'',
        "baton schedules add poll check.ts --every 5m --overlap queue",
      ],
    },
  }),
  "schedules.pause": define({
    summary: "Pause a schedule: nothing fires until it is resumed, and nothing is made up for.",
    kind: "steer",
    http: { method: "POST", path: "/v1/schedules/:name/pause" },
    input: z.object({ name: scheduleName }),
    output: scheduleLine,
    cli: { command: "schedules pause", args: ["name"], examples: ["baton schedules pause morning"] },
  }),
  "schedules.resume": define({
    summary: "Let a paused schedule fire again.",
    kind: "steer",
    http: { method: "POST", path: "/v1/schedules/:name/resume" },
    input: z.object({ name: scheduleName }),
    output: scheduleLine,
    cli: { command: "schedules resume", args: ["name"], examples: ["baton schedules resume morning"] },
  }),
  "schedules.next": define({
    summary: "Print when a schedule fires next.",
    kind: "read",
    http: { method: "GET", path: "/v1/schedules/:name/next" },
    input: z.object({ name: scheduleName, count: z.coerce.number().int().min(1).max(1_000).default(10) }),
    output: z.object({ name: z.string(), firings: z.array(z.string()) }),
    cli: {
      command: "schedules next",
      args: ["name"],
      options: { count: { flags: "-n, --count <count>", about: "so many (10)" } },
      examples: ["baton schedules next morning"],
    },
  }),
  "schedules.delete": define({
    summary: "Delete a schedule; the runs it started are left as they are.",
    kind: "steer",
    http: { method: "DELETE", path: "/v1/schedules/:name" },
    input: z.object({ name: scheduleName }),
    output: z.object({ name: z.string() }),
    cli: { command: "schedules rm", args: ["name"], examples: ["baton schedules rm morning"] },
  }),
  "inbox.list": define({
    summary: "List questions that wait for a person, oldest first.",
    kind: "read",
    http: { method: "GET", path: "/v1/inbox" },
    input: z.object({
      to: z.string().max(256).optional(),
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(50),
    }),
    output: z.object({ items: z.array(inboxItem), next: z.number().nullable() }),
    cli: {
      command: "inbox ls",
      options: {
        to: { flags: "--to <name>", about: "only what this person may answer" },
        after: { flags: "--after <next>", about: "the next page, as the last one named it" },
        limit: { flags: "-n, --limit <count>", about: "questions on the page (50)" },
      },
      examples: ["baton inbox ls", "baton inbox ls --to ada --json"],
    },
  }),
  "inbox.show": define({
    summary: "Show a question: words, schema of the answer, deadline, default, who may answer.",
    kind: "read",
    http: { method: "GET", path: "/v1/inbox/:id" },
    input: z.object({ id: itemId }),
    output: inboxItem,
    cli: { command: "inbox show", args: ["id"], examples: ["baton inbox show run_k3f90001/approve"] },
  }),
  "inbox.answer": define({
    summary: "Answer a question.",
    kind: "steer",
    http: { method: "POST", path: "/v1/inbox/:id/answer" },
    input: z.object({ id: itemId, value: z.unknown(), who }),
    output: z.object({ id: z.string(), run: z.string() }),
    cli: {
      command: "inbox answer",
      args: ["id", "value"],
      json: ["value"],
      options: { who: as },
      examples: ["baton inbox answer run_k3f90001/approve '{\"ok\":true}'", "baton inbox answer run_k3f90001 true --as ada"],
    },
  }),
  "inbox.decline": define({
    summary: "Decline to answer: the workflow is told (ASK_DECLINED).",
    kind: "steer",
    http: { method: "POST", path: "/v1/inbox/:id/decline" },
    input: z.object({ id: itemId, reason: z.string().max(1_000).optional(), who }),
    output: z.object({ id: z.string(), run: z.string() }),
    cli: {
      command: "inbox decline",
      args: ["id"],
      options: { reason: { flags: "--reason <text>", about: "kept in the journal" }, who: as },
      examples: ['baton inbox decline run_k3f90001/approve --reason "not mine to decide"'],
    },
  }),
  "runs.start": define({
    summary: "Start a run; the same key and input give the same run.",
    kind: "carry",
    http: { method: "POST", path: "/v1/runs" },
    input: z.object({
      workflow: z.string().max(300),
      source: z.string().max(4_096).optional().describe("path#export, where a loaded file is meant and no other of that name"),
      input: z.unknown().optional(),
      key: z.string().optional(),
    }),
    output: z.object({ run: z.string(), repeated: z.boolean() }),
  }),
  "workflows.load": define({
    summary: "Load a workflow file, so that its workflows can be run here.",
    kind: "carry",
    http: { method: "POST", path: "/v1/workflows/load" },
    input: z.object({ file: z.string().max(4_096), export: z.string().max(200).optional() }),
    output: z.object({ workflows: z.array(z.string()).describe("namespace/name@version of each") }),
  }),
} as const;

export type OperationName = keyof typeof operations;
export type InputOf<N extends OperationName> = z.input<(typeof operations)[N]["input"]>;
export type ReadInputOf<N extends OperationName> = z.output<(typeof operations)[N]["input"]>;
export type OutputOf<N extends OperationName> = z.output<(typeof operations)[N]["output"]>;

/** Who answers: this process, an owner elsewhere, or a reader of the data directory. */
export interface Answerer {
  call<N extends OperationName>(operation: N, input: InputOf<N>): Promise<OutputOf<N>>;
}

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
