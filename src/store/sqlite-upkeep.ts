// Keeping the database small: what may go, and giving its space back.

import type { DatabaseSync } from "node:sqlite";
import type { Payloads } from "./payloads.ts";
import { KEEP_TAIL } from "./sqlite-writes.ts";
import type { Upkeep } from "./store.ts";

/** Pages given back at a time: the writer waits for no more. */
const VACUUM_PAGES = 2_000;

const NAME = "(w.namespace || '/' || w.name)";

/** Runs that nobody above holds: their parent is gone, or there was none. */
const FREE = "r.ended_at is not null and (r.parent is null or not exists (select 1 from runs p where p.id = r.parent))";

const COUNTED_READINGS = `delete from readings where at < ?
  and seq <= (select coalesce(min(position), 0) from folds)`;

const OLD_ANSWERS = `delete from last_answers where at <
  (select min(at) from (select at from last_answers order by at desc limit ?))`;

export function sqliteUpkeep(db: DatabaseSync, payloads: Payloads): Upkeep {
  const number = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);
  return {
    expired: ({ endedBefore, countMax, workflow, except }, limit) =>
      (
        db
          .prepare(`
            select id from (
              select r.id as id, r.ended_at as ended_at, row_number() over (partition by ${NAME} order by r.id desc) as place
                from runs r join workflows w on w.id = r.workflow
               where ${FREE} and (? is null or ${NAME} = ?) and ${NAME} not in (select value from json_each(?)))
             where ended_at < ? or place > ? order by id limit ?`)
          .all(workflow, workflow, JSON.stringify(except), endedBefore, countMax, limit) as { id: number }[]
      ).map(({ id }) => id),
    tidy({ eventsBefore, eventCountMax, passesBefore, readingsBefore, rollupsBefore, fineRollupsBefore, lastAnswerCountMax }) {
      db.prepare("delete from passes where at < ?").run(passesBefore);
      db.prepare("delete from listeners where not exists (select 1 from runs r where r.id = run and r.ended_at is null)").run();
      db.exec(KEEP_TAIL);
      db.prepare("delete from events where at < ? or seq <= (select max(seq) from events) - ?").run(eventsBefore, eventCountMax);
      db.prepare(COUNTED_READINGS).run(readingsBefore);
      db.prepare("delete from rollups where from_at + span_ms < ?").run(rollupsBefore);
      db.prepare("delete from rollups where span_ms < 3600000 and from_at < ?").run(fineRollupsBefore);
      db.prepare("delete from ratings where at < ?").run(rollupsBefore);
      db.prepare(OLD_ANSWERS).run(lastAnswerCountMax);
      if (number("pragma freelist_count") > 0) db.exec(`pragma incremental_vacuum(${VACUUM_PAGES})`);
    },
    freeBytes: () => number("pragma freelist_count") * number("pragma page_size"),
    sweepPayloads() {
      const isNamed = db.prepare("select 1 from payloads where hash = ? limit 1");
      return payloads.sweep((hash) => isNamed.get(hash) !== undefined);
    },
  };
}
