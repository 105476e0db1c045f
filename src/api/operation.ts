// What an operation says of itself: what it takes and gives, and how it looks over HTTP and on the command line.

import type { z } from "zod";

/** How an operation looks on the command line. Fields of the input become an argument or an option. */
export interface CommandShape {
  /** `runs ls` */
  readonly command: string;
  /** Fields given as arguments, in order; one that may be left out ends in `?`. */
  readonly args?: readonly string[];
  /** Fields typed as JSON: `JSON│@file│-`; what does not read as JSON is text. */
  readonly json?: readonly string[];
  /** Fields that may name a file, typed as a path from where the person is. */
  readonly paths?: readonly string[];
  /** Whether it may be done to all runs of a `--query`. */
  readonly bulk?: boolean;
  /** Whether services that files define are told of, too: `--with FILE`. */
  readonly with?: boolean;
  /** Fields given as options: their flags as commander writes them, and what they mean. */
  readonly options?: Readonly<Record<string, { readonly flags: string; readonly about: string }>>;
  readonly examples: readonly string[];
}

export interface OperationShape<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  readonly summary: string;
  /**
   * `read` changes nothing and works beside an owner; `look` asks the owner, who knows more than is kept, and reads where there is
   * none; `steer` needs the owner, or the lock for a moment; `carry` needs a carrier.
   */
  readonly kind: "read" | "look" | "steer" | "carry";
  readonly http: { readonly method: "GET" | "POST" | "DELETE"; readonly path: string };
  readonly input: I;
  readonly output: O;
  readonly cli?: CommandShape;
}

export const define = <I extends z.ZodType, O extends z.ZodType>(shape: OperationShape<I, O>): OperationShape<I, O> => shape;
