// Keys from names: how the journal remembers an operation by its name and not by its position.
//
// A key is the names of the scopes around it and its own, joined by " / "; the second
// operation of one name in a scope is "name #2". So a journal can be read, and a step
// that is added does not disturb the others.

import { limits, runProblems } from "../run.ts";

const SEPARATOR = " / ";

/** How often a name was used in a scope, and how many of its operations are open. */
export interface NameUse {
  uses: number;
  open: number;
}

export interface TakenName {
  readonly key: string;
  readonly use: NameUse;
}

export class Names {
  readonly #prefix: string;
  readonly #uses = new Map<string, NameUse>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /**
   * Reserves the key of an operation; called synchronously when it is asked for. With `strict`, a name that is open
   * already is a problem: which of the two is which would hang on their order.
   */
  take(name: string, strict: boolean): TakenName {
    const found = this.#uses.get(name);
    if (found === undefined) {
      requireName(name);
      const use = { uses: this.#isOrdinal(name) ? 2 : 1, open: 1 };
      this.#uses.set(name, use);
      return { key: this.#keyOf(use.uses === 1 ? name : this.#ordinalName(name, use)), use };
    }
    if (strict && found.open > 0)
      throw runProblems.NAME_OPEN_TWICE(`"${name}" is already open in this scope.`, { at: this.#keyOf(name) });
    found.uses++;
    found.open++;
    return { key: this.#keyOf(this.#ordinalName(name, found)), use: found };
  }

  /** `name #2`, or the next one that no name of the author's has taken. */
  #ordinalName(name: string, use: NameUse): string {
    for (;;) {
      const candidate = `${name} #${use.uses}`;
      if (!this.#uses.has(candidate)) return candidate;
      use.uses++;
    }
  }

  /** Whether an operation of another name has this as its key already: the second "poll" is "poll #2". */
  #isOrdinal(name: string): boolean {
    if (!name.includes("#")) return false;
    const [, base = "", ordinal] = /^(.+) #(\d+)$/s.exec(name) ?? [];
    return ordinal !== undefined && (this.#uses.get(base)?.uses ?? 0) >= Number(ordinal);
  }

  /** A slash that stands alone separates names; within a name it gets a backslash, and so does one that has them. */
  #keyOf(name: string): string {
    return this.#prefix + (name.includes("/") ? name.replaceAll(/(?<=^| )(?=\\*\/( |$))/g, "\\") : name);
  }

  /** The names inside a scope of this key. */
  static within(key: string): Names {
    return new Names(key + SEPARATOR);
  }
}

const PLAIN_FIRST = 0x20;
const PLAIN_LAST = 0x7e;

/** Printable ASCII, as nearly all names are: told without a regular expression. */
function isPlain(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit < PLAIN_FIRST || unit > PLAIN_LAST) return false;
  }
  return true;
}

/** Control characters would make a journal unreadable, and format characters make two names look like one. */
const UNREADABLE = /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

function requireName(name: unknown): void {
  if (typeof name !== "string")
    throw runProblems.NAME_INVALID(`A name is ${name === null ? "null" : `a ${typeof name}`}; it must be text.`);
  if (name === "" || name.length > limits.NAME_LENGTH_MAX) {
    throw runProblems.NAME_INVALID(
      `A name has ${name.length} characters: "${name.slice(0, 40)}…". It may have 1 to ${limits.NAME_LENGTH_MAX}.`,
    );
  }
  if (isPlain(name)) return;
  if (!name.isWellFormed()) throw runProblems.NAME_INVALID(`The name ${JSON.stringify(name)} has half a surrogate pair.`);
  if (UNREADABLE.test(name))
    throw runProblems.NAME_INVALID(`The name ${JSON.stringify(name)} has control or invisible characters.`);
}
