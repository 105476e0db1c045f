// What is wrong with a program, said instead of thrown: for those who check what others wrote.

import { type CompileOptions, compile } from "./compile.ts";
import { JqProblem } from "./problems.ts";

export interface Mistake {
  readonly message: string;
  /** Where in the program, in UTF-16 units. */
  readonly offset: number;
}

/** Null when it can be compiled. */
export function mistakeIn(program: string, options: CompileOptions = {}): Mistake | null {
  try {
    compile(program, options);
    return null;
  } catch (error) {
    if (!(error instanceof JqProblem)) throw error;
    return { message: error.problem.detail, offset: error.offset ?? 0 };
  }
}
