-- Services: what can be called, how calls went, and what was learned of it.

-- Definitions that were added, as JSON; and how each service stands: its health, its circuit.
create table services (
  id         text primary key,
  definition text not null,
  source     text,                      -- the file or address it was made from
  added_at   integer not null,
  state      text not null default '{}'
) strict, without rowid;

-- What happened to services, one line each: attempts at calls, looks at their health, circuits that opened and closed.
create table readings (
  seq       integer primary key autoincrement,
  id        text not null unique,       -- of a call: its idempotency key and attempt; so it is there once
  at        integer not null,
  kind      text not null,              -- call, check, circuit
  service   text not null,
  operation text not null,
  facts     text not null               -- JSON
) strict;
create index circuits_by_service on readings (service, seq) where kind = 'circuit';

-- Readings counted by span of time: they stay when readings and runs have gone.
create table rollups (
  service   text not null,
  operation text not null,
  span_ms   integer not null,
  from_at   integer not null,
  figures   text not null,              -- JSON
  primary key (service, operation, span_ms, from_at)
) strict, without rowid;

-- How far readers of readings have come, and what they know.
create table folds (
  name     text primary key,
  position integer not null,
  state    text not null
) strict, without rowid;

-- What people say of results.
create table ratings (
  call       text primary key,          -- the reading's id
  at         integer not null,
  service    text not null,
  operation  text not null,
  capability text not null,
  rating     integer not null,          -- 1 to 5
  comment    text,
  who        text
) strict, without rowid;

-- The last good answer to a call that may have to do with it.
create table last_answers (
  key    text primary key,
  at     integer not null,
  answer text not null
) strict, without rowid;
create index last_answers_by_at on last_answers (at);

-- What was done to and refused by whoever guards this directory. Each line is bound to the one before: what is taken out or
-- changed is seen.
create table audit (
  seq   integer primary key autoincrement,
  at    integer not null,
  what  text not null,
  facts text not null,                  -- JSON
  hash  text not null                   -- SHA-256 of the hash before and this line
) strict;
