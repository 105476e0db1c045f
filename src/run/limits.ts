// Every loop, queue and payload of a run is bounded by one of these. Meeting one is
// a problem that says its name, so the person who meets it can find it.

import { MINUTE_MS, SECOND_MS } from "../base/time.ts";

/** UTF-8 bytes of one recorded value: an input, a step's output, a signal. Protects memory and the journal. */
export const PAYLOAD_BYTES_MAX = 8 << 20;

/** Entries in one journal. Replay reads them all, so this bounds the time and memory to resume a run. */
export const JOURNAL_ENTRIES_MAX = 1_000_000;

/** UTF-16 units of a step's, scope's or signal's name, so that a journal stays a list people can read. */
export const NAME_LENGTH_MAX = 256;

/** UTF-16 units of a start key. */
export const START_KEY_LENGTH_MAX = 512;

/** Runs that started one another, from the first: protects against recursion without end. */
export const CHILD_DEPTH_MAX = 32;

/** Attempts of one step. */
export const ATTEMPTS_MAX = 1_000_000;

/** The longest wait, in ms: 100 years. */
export const WAIT_MS_MAX = 100 * 365 * 24 * 60 * MINUTE_MS;

/** The longest delay a service may ask for with retry-after, in ms; more is cut to it. */
export const RETRY_AFTER_MS_MAX = 60 * MINUTE_MS;

/** A step that runs longer than this has its start recorded, so that readers elsewhere see it. In ms. */
export const STEP_START_RECORDED_AFTER_MS = 100;

/** How often open attempts are looked at for time-outs, in ms: the precision of a step's time-out. */
export const ATTEMPT_SWEEP_MS = 50;

/** UTF-8 bytes of what a step says of itself in a heartbeat. */
export const HEARTBEAT_BYTES_MAX = 16 << 10;

/** A heartbeat is recorded at once, the next after this, in ms: what lies between is lost when the owner dies. */
export const HEARTBEAT_RECORDED_EVERY_MS = 10 * SECOND_MS;

/** How long taking back waits for attempts under way, which were told to stop, in ms. */
export const UNWIND_GRACE_MS = 10 * SECOND_MS;

/** How often ended runs are looked at for leaving, in ms. */
export const RETENTION_SWEEP_MS = 60 * SECOND_MS;

/** How long an event is kept for those who listen later, in ms. */
export const EVENT_KEPT_MS = 7 * 24 * 60 * MINUTE_MS;

/** Events that are kept at most; the oldest leave. */
export const EVENTS_KEPT_MAX = 1_000_000;

/** How long the readings of services are kept one by one, once they are counted, in ms. */
export const READING_KEPT_MS = 31 * 24 * 60 * MINUTE_MS;

/** How long counts of readings, and what people said of results, are kept, in ms. */
export const ROLLUP_KEPT_MS = 400 * 24 * 60 * MINUTE_MS;

/** How long counts of spans under an hour are kept, in ms. */
export const FINE_ROLLUP_KEPT_MS = 2 * 24 * 60 * MINUTE_MS;

/** Last good answers that are kept; the oldest leave. */
export const LAST_ANSWERS_MAX = 10_000;

/** Schedules of one data directory. */
export const SCHEDULES_MAX = 10_000;

/** Events that one listener waits for. */
export const EVENTS_AWAITED_MAX = 10_000;

/** Events taken in at once. */
export const EVENTS_SENT_MAX = 10_000;

/** UTF-8 bytes of one item of a stream. */
export const STREAM_ITEM_BYTES_MAX = 256 << 10;

/** How often waiting runs are looked at for eviction, in ms. */
export const EVICTION_SWEEP_MS = 1 * SECOND_MS;

/** Waiting runs kept in memory; the longest untouched leave first. */
export const RESIDENT_WAITING_MAX = 10_000;

/** A run that has waited this long without being touched leaves memory, in ms. */
export const RESIDENT_IDLE_MS = 60 * SECOND_MS;

/** Rows read at once when runs are recovered or timers fall due. */
export const PAGE_SIZE = 1_000;
