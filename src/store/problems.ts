// Every problem of the store, in one place.

import { defineProblems } from "../base/problem.ts";

export const storeProblems = defineProblems({
  STORAGE_FAILED: {
    status: 503,
    title: "The storage failed; what was being written may or may not be on disk.",
    fix: "Look at the disk (space, health), then open the data directory again: opening reads the truth.",
    exit: 74,
  },
  STORAGE_FENCED: {
    status: 503,
    title: "Another process has taken over this data directory.",
    fix: "Nothing is lost: the other process carries the runs. Start this one again if that was not intended.",
    exit: 74,
  },
  DATA_LOCKED: {
    status: 409,
    title: "Another process owns this data directory.",
    fix: "Use the owner (commands find it by themselves), stop it, or choose another directory with --data.",
    exit: 6,
  },
  DATA_UNUSABLE: { status: 503, title: "The data directory cannot be used.", exit: 74 },
  DATA_BLANK: { status: 503, title: "The database holds nothing yet: its first opening was cut short, or goes on.", exit: 74 },
  DATA_REMOTE: {
    status: 503,
    title: "The data directory is on a network file system, where locks and syncs cannot be trusted.",
    fix: "Choose a directory on a local disk with --data or BATON_DATA.",
    exit: 74,
  },
  SCHEMA_NEWER: {
    status: 503,
    title: "The data was written by a newer Baton.",
    fix: "Run the newer version; data is never converted backwards.",
    exit: 74,
  },
  PAYLOAD_LOST: {
    status: 500,
    title: "The file of a large payload is missing or holds something else.",
    fix: "Restore the folder `payloads` beside the database from a backup; `baton doctor` names the runs.",
    exit: 74,
  },
  SCHEMA_OLDER: {
    status: 503,
    title: "The data was written by an older Baton and not brought up yet.",
    fix: "Stop the older Baton that owns it; the next command of this one brings it up, and nothing is lost.",
    exit: 74,
  },
  SQLITE_TOO_OLD: {
    status: 503,
    title: "This Node carries an SQLite with a known bug that can corrupt data.",
    fix: "Use a Node whose SQLite is 3.51.3 or newer: Node 24.15, 26 and later.",
    exit: 74,
  },
  CURSOR_INVALID: { status: 422, title: "A page cursor is not one that was given out.", exit: 2 },
});
