-- What people and programs do to runs after they started, and what starts by itself.

-- The highest run number ever given, also of runs that were deleted: no number is given twice.
insert into meta (name, value) select 'last_run', coalesce(max(id), 0) from runs;

-- Questions without an answer: what people are asked, over all runs.
create table questions (
  run integer not null,
  key text not null,
  seq integer not null unique,          -- the entry that asks
  primary key (run, key)
) strict, without rowid;
-- Kinds: 11 asked; 12 answered, 13 ask-timed-out.
insert into questions (run, key, seq)
select run, key, min(seq) from journal a
 where kind = 11 and exists (select 1 from runs where id = a.run and ended_at is null)
   and not exists (select 1 from journal b where b.run = a.run and b.key = a.key and b.kind in (12, 13))
 group by run, key;

-- The first seq that can be of an event or entry after the run began.
alter table runs add column since integer not null default 0;

-- Events, for whoever listens: each once, kept for those who listen later.
create table events (
  seq    integer primary key,           -- from the same row of numbers as the journal's
  source text not null,
  id     text not null,
  type   text not null,
  at     integer not null,
  event  text not null,                 -- the whole CloudEvent
  unique (source, id)
) strict;
create index events_by_type on events (type, seq);

-- Who listens: an operation of a run, from an event on.
create table listeners (
  run       integer not null,
  key       text not null,
  type      text,                       -- null: several types
  after_seq integer not null,
  primary key (run, key)
) strict, without rowid;

-- What runs say as they go, for readers to follow. An item is written once, however often its run is replayed.
create table stream_items (
  seq    integer primary key autoincrement,
  run    integer not null,
  stream text not null,
  id     text not null,
  at     integer not null,
  data   text not null,
  unique (run, stream, id)
) strict;
create index stream_items_by_stream on stream_items (run, stream, seq);

-- What starts by itself: what each schedule is, and how it stands. Both are JSON.
create table schedules (
  name       text primary key,
  definition text not null,
  state      text not null
) strict, without rowid;

-- Which files of large payloads a run names: kept until the run is deleted.
create table payloads (
  hash text not null,
  run  integer not null,
  primary key (hash, run)
) strict, without rowid;
create index payloads_by_run on payloads (run);

-- What workflows say of how long their ended runs are kept (JSON; null: for ever).
create table retentions (
  workflow text primary key,
  policy   text not null
) strict, without rowid;

-- Runs of which only so many may be under way: where each stands, and whether it was let through.
create table lines (
  run       integer primary key,
  gate      text not null,
  limits    text not null,              -- JSON
  priority  integer not null,
  asked_at  integer not null,
  is_passed integer not null default 0
) strict;
create index lines_by_gate on lines (gate, is_passed, asked_at + priority * 30000);

-- When something was let through a gate that has a rate.
create table passes (
  seq  integer primary key,
  gate text not null,
  at   integer not null
) strict;
