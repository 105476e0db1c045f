-- Agents: who can be given tasks, what verdicts say of them, what was paid.

-- Agents that were added, as JSON; and how each stands.
create table agents (
  id         text primary key,
  definition text not null,
  source     text,                      -- the file it was made from
  added_at   integer not null,
  status     text not null,             -- unverified, active, degraded, quarantined, retired
  state      text not null default '{}'
) strict, without rowid;

-- What trust is made of, in the order in which it came: one line per agent and attempt, and what people said of agents. They
-- outlive the runs they come from.
create table verdicts (
  seq        integer primary key autoincrement,
  id         text not null unique,      -- of the attempt: so it is there once
  at         integer not null,
  run        text not null,             -- empty where a person said it
  agent      text not null,
  capability text not null,
  task_kind  text not null,
  verdict    text not null,             -- right, wrong, fault, task-fault, pin, ban, clear, forgive, imported
  facts      text not null              -- JSON
) strict;
create index verdicts_by_agent on verdicts (agent, seq);
create index verdicts_by_run on verdicts (run, seq);

-- What happened to budgets since they were written down as a whole (folds, 'budgets').
create table budget_entries (
  seq   integer primary key autoincrement,
  entry text not null                   -- JSON
) strict;
