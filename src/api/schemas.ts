// What is said over the API: shapes with their meaning. Moments are RFC 3339 text.

import { z } from "zod";
import { RUN_STATUSES } from "../run.ts";

const json = z.unknown();
const moment = z.string().describe("RFC 3339");

/** Any text: one that is no id names no run, which is not found like any other. */
export const runId = z.string().max(200);
export const runStatus = z.enum(RUN_STATUSES as readonly [string, ...string[]]);

export const problem = z.object({
  code: z.string(),
  status: z.number(),
  title: z.string(),
  detail: z.string(),
  fix: z.string().optional(),
  at: z.string().optional(),
  facts: z.record(z.string(), json).optional(),
});

const workflowName = z.object({ namespace: z.string(), name: z.string(), version: z.string() });

const stepCounts = z.object({ total: z.number(), completed: z.number(), failed: z.number(), skipped: z.number() });

const progress = z.object({ done: z.number(), of: z.number().nullable(), message: z.string().nullable() });

/** A run in a list. */
export const runLine = z.object({
  run: z.string(),
  workflow: workflowName,
  status: runStatus,
  reason: z.string().optional().describe("why it is paused"),
  key: z.string().optional(),
  parent: z.string().optional(),
  startedAt: moment,
  endedAt: moment.optional(),
  wakeAt: moment.optional().describe("when a waiting run is woken at the latest"),
  progress: progress.optional(),
  source: z.string().optional().describe("the file it came from"),
});

const failure = z.object({
  code: z.string(),
  message: z.string(),
  name: z.string(),
  at: z.string().optional(),
  problem: problem.optional(),
});

export const operationLine = z.object({
  key: z.string(),
  kind: z.string(),
  status: z.enum(["running", "waiting", "completed", "failed", "skipped", "canceled"]),
  attempts: z.number(),
  firstAt: moment,
  endedAt: moment.optional(),
  output: json.optional(),
  failure: failure.optional(),
  waitsFor: z.string().optional(),
  waitsUntil: moment.optional(),
  child: z.string().optional().describe("the run it started"),
  timings: z
    .object({ queueMs: z.number(), runMs: z.number(), backoffMs: z.number(), waitMs: z.number() })
    .describe("as far as the journal says: the first 100 ms of an attempt count as none"),
});

export const question = z.object({
  key: z.string(),
  name: z.string(),
  message: z.string().nullable(),
  schema: json,
  to: z.array(z.string()).readonly().nullable().describe("who may answer; null: everybody"),
  askedAt: moment,
  deadlineAt: moment.nullable(),
  default: z.object({ value: json }).nullable(),
});

/** A question with the run that asks it. */
export const inboxItem = question.extend({
  id: z.string().describe("run/key: what to answer"),
  run: z.string(),
  workflow: workflowName,
});

/** A run in full. */
export const runView = runLine.extend({
  input: json,
  output: json.optional(),
  problem: problem.optional(),
  steps: stepCounts,
  operations: z.array(operationLine),
  questions: z.array(question),
  waitsFor: z.string().optional().describe("one sentence: what it waits for, and until when"),
  ratings: z
    .array(z.object({ target: z.string(), rating: z.number(), at: z.string() }))
    .optional()
    .describe("how good people found results of its calls"),
  degraded: z
    .array(z.object({ target: z.string(), how: z.string(), because: z.string(), ageMs: z.number().optional() }))
    .optional()
    .describe("results of calls that were less than what was asked for"),
  continued: z.number().describe("how often continueAs began a new journal"),
});

export const scheduleName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "a schedule's name has 1 to 100 letters, digits, dots, dashes and underscores");

export const scheduleLine = z.object({
  name: z.string(),
  workflow: z.string(),
  source: z.string().optional(),
  when: z.string().describe("in words"),
  input: z.unknown(),
  overlap: z.enum(["skip", "queue", "parallel"]),
  catchUp: z.union([z.enum(["none", "one"]), z.number()]),
  paused: z.boolean(),
  next: z.string().optional(),
  lastRun: z.string().optional(),
  started: z.number(),
  skipped: z.number(),
  missed: z.number(),
  queued: z.number(),
  problem: z.record(z.string(), z.unknown()).optional(),
});

export type ScheduleLine = z.output<typeof scheduleLine>;

export const knownWorkflow = z.object({
  workflow: z.string().describe("namespace/name@version"),
  source: z.string().optional(),
  runs: z.number(),
  open: z.number().describe("runs that have not ended"),
});

export type WorkflowLine = z.output<typeof knownWorkflow>;

export const streamItem = z.object({ seq: z.number(), stream: z.string(), at: z.string(), item: z.unknown() });

export const entryLine = z.object({
  seq: z.number(),
  kind: z.string(),
  key: z.string().optional(),
  at: moment,
  data: json,
});

export type RunLine = z.infer<typeof runLine>;
export type RunView = z.infer<typeof runView>;
export type OperationLine = z.infer<typeof operationLine>;
export type InboxItem = z.infer<typeof inboxItem>;
export type Question = z.infer<typeof question>;
export type EntryLine = z.infer<typeof entryLine>;
