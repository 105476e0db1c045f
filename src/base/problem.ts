// Problems: what is wrong, said once, with a stable code (the shape of RFC 9457).
//
// Each part lists its problems in one table with `defineProblems`; API, CLI and UI
// show the same words, and the reference page is printed from these tables.

/** A problem as it travels: plain JSON. */
export interface Problem {
  /** Stable, SCREAMING_SNAKE. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** What is wrong in general; the same for every occurrence. */
  readonly title: string;
  /** What is wrong here: names the thing and says what is so. */
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
  /** Where: `file:line:col`, a JSON pointer, or the key of a step. */
  readonly at?: string;
  /** More facts, as JSON. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly fix?: string;
  /** The exit code of the command line, where the HTTP status alone does not say it. */
  readonly exit?: number;
}

export type ProblemMore = Partial<Pick<Problem, "fix" | "at" | "facts">> & { readonly cause?: unknown };

/** A problem that is thrown. `message` is the detail. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.name = "ProblemError";
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }
}

/** Says whether `error` is a ProblemError, also one of another copy of Baton. */
export function isProblemError(error: unknown): error is ProblemError {
  return error instanceof Error && "problem" in error && isProblem(error.problem);
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== "object" || value === null) return false;
  const { code, status, title, detail } = value as Partial<Problem>;
  return [code, title, detail].every((text) => typeof text === "string") && typeof status === "number";
}

type Makers<Table> = { readonly [Code in keyof Table]: (detail: string, more?: ProblemMore) => ProblemError };

const listed = new Map<string, ProblemKind>();

/** Declares the problems of one part; gives one constructor per code. */
export function defineProblems<const Table extends Record<string, ProblemKind>>(table: Table): Makers<Table> {
  const makers: Record<string, (detail: string, more?: ProblemMore) => ProblemError> = {};
  for (const [code, kind] of Object.entries(table)) {
    listed.set(code, kind);
    makers[code] = (detail, more) => new ProblemError(asProblem(code, kind, detail, more), { cause: more?.cause });
  }
  return makers as Makers<Table>;
}

function asProblem(code: string, kind: ProblemKind, detail: string, more: ProblemMore = {}): Problem {
  const fix = more.fix ?? kind.fix;
  return {
    code,
    status: kind.status,
    title: kind.title,
    detail,
    ...(fix === undefined ? {} : { fix }),
    ...(more.at === undefined ? {} : { at: more.at }),
    ...(more.facts === undefined ? {} : { facts: more.facts }),
  };
}

/** Every problem declared by the parts loaded so far, by code. */
export function listedProblems(): ReadonlyMap<string, ProblemKind> {
  return listed;
}
