// Identifiers.
//
// An id is a string that says what it names: `run_7k2…`. The brand keeps a RunId
// from being passed where another id is meant; the prefix keeps the same mistake
// visible in logs, URLs and database rows.

declare const names: unique symbol;

export type Id<Kind extends string> = string & { readonly [names]: Kind };

export type RunId = Id<"run">;

/** Reads an id that came from outside; null for anything but `<kind>_<1 to 40 of [a-z0-9]>`. */
export function readId<Kind extends string>(kind: Kind, text: string): Id<Kind> | null {
  const rest = text.startsWith(`${kind}_`) ? text.slice(kind.length + 1) : "";
  return /^[a-z0-9]{1,40}$/.test(rest) ? (text as Id<Kind>) : null;
}
