// Rows are inserted a block at a time: many small inserts cost mostly their number.

import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** Rows in one insert, as many as there are. */
const BLOCKS_ROWS = [32, 8, 1];

/** Inserts any number of rows. `insert` is the statement up to its columns; `put` lays one row's values into the parameters from `offset`. */
export function blockInsert<Row>(
  db: DatabaseSync,
  insertInto: string,
  columns: readonly string[],
  put: (to: SQLInputValue[], offset: number, row: Row) => void,
) {
  const width = columns.length;
  const one = `(${columns.map(() => "?").join(", ")})`;
  const blocks = BLOCKS_ROWS.map((size) => ({
    size,
    insert: db.prepare(`${insertInto} (${columns.join(", ")}) values ${Array(size).fill(one).join(", ")}`),
    values: Array<SQLInputValue>(width * size).fill(null),
  }));
  return (rows: readonly Row[]): void => {
    let at = 0;
    for (const { size, insert, values } of blocks) {
      for (; at + size <= rows.length; at += size) {
        for (let i = 0; i < size; i++) put(values, i * width, rows[at + i] as Row);
        insert.run(...values);
      }
    }
  };
}
