-- Workflows, runs, journals. Older Batons must not run beside this schema.
--
-- Checks compare one by one: a list in `in (…)` is built anew for every row, which doubled what a run costs.
create table meta (
  name  text primary key,
  value any not null
) strict, without rowid;

-- What was run: one row per distinct code.
create table workflows (
  id           integer primary key,
  namespace    text not null,
  name         text not null,
  version      text not null,
  content_hash text not null,           -- '' where the code came from no file
  source       text not null,           -- '' likewise; else path#export
  unique (namespace, name, version, content_hash, source)
) strict;

create table runs (
  id           integer primary key,
  workflow     integer not null references workflows (id),
  status       text not null,
  reason       text,
  input        text not null,
  output       text,
  problem      text,
  progress     text,
  seed         integer not null,
  started_at   integer not null,
  ended_at     integer,
  deadline_at  integer,
  wake_at      integer,
  continued    integer not null default 0,
  root         integer not null,        -- the first run of the family, itself where it has no parent
  depth        integer not null default 0,
  parent       integer,
  parent_key   text,
  parent_close text check (parent_close = 'cancel' or parent_close = 'keep'),
  check (status = 'running' or status = 'completed' or status = 'waiting' or status = 'pending' or status = 'paused'
    or status = 'failed' or status = 'canceled'),
  check (reason is null or reason = 'operator' or reason = 'not_loaded' or reason = 'replay_mismatch' or reason = 'corrupt'
    or reason = 'budget'),
  check ((status = 'paused') = (reason is not null)),
  check ((status = 'completed' or status = 'failed' or status = 'canceled') = (ended_at is not null)),
  check ((status = 'completed') = (output is not null)),
  check (problem is not null or (status <> 'failed' and status <> 'canceled'))
) strict;
create index runs_unended on runs (id) where ended_at is null;
create index runs_due on runs (wake_at) where wake_at is not null;
create index runs_by_parent on runs (parent) where parent is not null;
create index runs_bound on runs (id) where ended_at is null and parent_close = 'cancel';

-- Start keys, kept apart so that a run without one costs nothing.
create table start_keys (
  namespace text not null,
  name      text not null,
  key       text not null,
  run       integer not null unique,
  body_hash text not null,
  primary key (namespace, name, key)
) strict, without rowid;

create table journal (
  seq  integer primary key,
  run  integer not null,
  kind integer not null,
  key  text,
  hash integer not null,
  at   integer not null,
  data text not null
) strict;
create index journal_by_run on journal (run);
-- A signal is received once per id (kind 7: signal-received).
create unique index journal_signal_once on journal (run, key) where kind = 7;

-- Ids of signals whose entries left with a journal that continueAs ended: received, and not to be received again.
create table taken_signals (
  run integer not null,
  id  text not null,
  primary key (run, id)
) strict, without rowid;
