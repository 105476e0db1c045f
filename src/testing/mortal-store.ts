// A store that can die: at a chosen commit it stops the world, as a crash would.
//
// After its death nothing that its engine does has any effect: commits are swallowed
// and nobody is told. What was committed stays in the file, for a new store to read.

import { type Commit, type Store, storeProblems } from "../store.ts";

/** `before` the commit, `after` it, or after it with an error instead of an answer. */
export type DeathMode = "before" | "after" | "answer-lost";

export interface Death {
  /** 1 for the first commit of this life. */
  readonly atCommit: number;
  readonly mode: DeathMode;
}

export interface MortalStore extends Store {
  readonly isDead: boolean;
  /** Commits that were tried in this life. */
  readonly commits: number;
  die(): void;
}

export function mortalStore(
  inner: Store,
  death: Death | null,
  beforeCommit: (commit: Commit) => void = () => undefined,
): MortalStore {
  let isDead = false;
  let commits = 0;
  const never = new Promise<void>(() => undefined);
  const fatal = (commit: Commit, mode: DeathMode): Promise<void> => {
    if (mode !== "before") Promise.resolve(inner.commit(commit)).catch(() => undefined); // nobody is left to be told
    isDead = true;
    if (mode === "answer-lost") throw storeProblems.STORAGE_FAILED("The answer to a commit was lost.");
    return never;
  };
  return {
    ...inner,
    get isDead() {
      return isDead;
    },
    get commits() {
      return commits;
    },
    die() {
      isDead = true;
    },
    commit(commit) {
      if (isDead) return never;
      commits++;
      beforeCommit(commit);
      return death !== null && commits === death.atCommit ? fatal(commit, death.mode) : inner.commit(commit);
    },
    [Symbol.dispose]: () => inner[Symbol.dispose](),
  };
}
