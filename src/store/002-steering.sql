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
