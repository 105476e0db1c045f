// Operations: what can be asked of Baton, each once. The command line is made from this
// list, and so is whatever answers elsewhere: no handler lives here.

import { z } from "zod";
import { entryLine, runId, runLine, runStatus, runView } from "./schemas.ts";

/** How an operation looks on the command line. Fields of the input become an argument or an option. */
export interface CommandShape {
  /** `runs ls` */
  readonly command: string;
  /** Fields given as arguments, in order. */
  readonly args?: readonly string[];
  /** Fields given as options: their flags as commander writes them, and what they mean. */
  readonly options?: Readonly<Record<string, { readonly flags: string; readonly about: string }>>;
  readonly examples: readonly string[];
}

export interface OperationShape<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  readonly summary: string;
  /** `read` changes nothing and works beside an owner; `steer` needs the owner, or the lock for a moment; `carry` needs a carrier. */
  readonly kind: "read" | "steer" | "carry";
  readonly http: { readonly method: "GET" | "POST" | "DELETE"; readonly path: string };
  readonly input: I;
  readonly output: O;
  readonly cli?: CommandShape;
}

const define = <I extends z.ZodType, O extends z.ZodType>(shape: OperationShape<I, O>): OperationShape<I, O> => shape;

/** Runs on one page of a list. */
export const PAGE_LIMIT_MAX = 1_000;

export const operations = {
  "runs.list": define({
    summary: "List runs, newest first.",
    kind: "read",
    http: { method: "GET", path: "/v1/runs" },
    input: z.object({
      status: z.array(runStatus).optional(),
      workflow: z.string().max(300).optional(),
      since: z.string().optional(),
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
        cursor: { flags: "--cursor <cursor>", about: "the next page, as the last one named it" },
        limit: { flags: "-n, --limit <count>", about: "runs on the page (50)" },
      },
      examples: ["baton runs ls", "baton runs ls --status failed --since 2h", "baton runs ls -w licence-review --json"],
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
    input: z.object({ run: runId, reason: z.string().max(1_000).optional() }),
    output: z.object({ run: z.string(), status: runStatus }),
    cli: {
      command: "runs cancel",
      args: ["run"],
      options: { reason: { flags: "--reason <text>", about: "kept in the journal" } },
      examples: ['baton runs cancel run_k3f90001 --reason "wrong input"'],
    },
  }),
  "runs.resume": define({
    summary: "Let a paused run go on.",
    kind: "steer",
    http: { method: "POST", path: "/v1/runs/:run/resume" },
    input: z.object({ run: runId }),
    output: z.object({ run: z.string(), status: runStatus }),
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
    output: z.object({
      workflow: z.string().describe("namespace/name@version of the one to run"),
      workflows: z.array(z.string()),
    }),
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
