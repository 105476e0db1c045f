// `baton start` and `baton dev`: the owner of a data directory, until it is told to stop.

import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { isProblemError } from "../base/problem.ts";
import { spanForPeople } from "../base/time.ts";
import type { News } from "../engine.ts";
import { type Baton, filesLoadedWith, openBaton } from "../orchestrator.ts";
import { sayDiagnostics } from "./documents.ts";
import { onInterrupt } from "./interrupt.ts";
import { EXIT } from "./problems.ts";
import { type CommonOptions, openGateFor } from "./run.ts";
import { openTerminal, printable, type Terminal } from "./terminal.ts";

/** Editors write a file in several steps; it is loaded when they have been quiet for so long, in ms. */
const QUIET_MS = 100;

export interface StartOwnerOptions extends CommonOptions {
  /** Loads files again when they change. */
  readonly reload: boolean;
  readonly allow: readonly string[];
}

export async function startOwner(files: readonly string[], options: StartOwnerOptions): Promise<number> {
  const terminal = openTerminal(options);
  openGateFor(options);
  await using baton = await openBaton({ data: options.data, carry: "everything", files });
  using _telling = baton.listen(teller(terminal));
  using _services = baton.listenToServices(({ service, what, words }) => {
    const mark = terminal.style(/^(unhealthy|open)/.test(words) ? "red" : "dim", "●");
    terminal.say(`${mark} ${service}  ${what === "circuit" ? "circuit " : ""}${printable(words)}`);
  });
  using _watching = options.reload ? watchFiles(baton, files, terminal) : { [Symbol.dispose]: () => undefined };
  const open = baton.openRunCount();
  await saySchedules(baton, terminal);
  terminal.say(`carrying ${open === 1 ? "1 run" : `${open} runs`} of ${options.data} (process ${process.pid}); Ctrl-C stops`);
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  onInterrupt(stop);
  const failed = await Promise.race([stopped, baton.closed]);
  if (failed !== undefined && failed !== null) throw failed;
  return EXIT.ok;
}

async function saySchedules(baton: Baton, terminal: Terminal): Promise<void> {
  const { schedules } = await baton.call("schedules.list", {});
  for (const { name, when, next, paused } of schedules)
    terminal.say(
      `${terminal.style("dim", "◷")} ${name}  ${when}${paused ? ", paused" : next === undefined ? "" : `, next ${next}`}`,
    );
}

/** One line for every run that starts or comes to rest. */
function teller(terminal: Terminal): (news: News) => void {
  const startedAt = new Map<string, number>();
  const says: { readonly [K in News["kind"]]?: (news: News & { readonly kind: K }) => void } = {
    started: ({ run, workflow }) => {
      startedAt.set(run, Date.now());
      terminal.say(`${terminal.style("dim", "○")} ${run}  ${workflow}`);
    },
    status: ({ run, status, reason }) => {
      if (status === "running" || status === "waiting") return;
      const took = Date.now() - (startedAt.get(run) ?? Date.now());
      startedAt.delete(run);
      const mark = status === "completed" ? terminal.style("green", "✓") : terminal.style("red", status === "paused" ? "‖" : "✗");
      terminal.say(`${mark} ${run}  ${status}${reason === null ? "" : ` (${reason})`}  ${spanForPeople(took)}`);
    },
    asked: ({ run, key, asked }) =>
      terminal.say(`${terminal.style("yellow", "?")} ${run}/${key}  ${printable(asked.message ?? asked.name)}`),
  };
  return (news) => (says[news.kind] as ((news: News) => void) | undefined)?.(news);
}

/** Loads a file again when it, or what it imports, changes; no other. */
function watchFiles(baton: Baton, files: readonly string[], terminal: Terminal): Disposable {
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  const changed = new Set<string>();
  const reload = async (): Promise<void> => {
    const all = [...changed];
    changed.clear();
    for (const file of files) if (all.some((path) => users.get(path)?.has(file) === true)) await loadAgain(baton, file, terminal);
  };
  const note = (paths: readonly string[]): void => {
    for (const path of paths) changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => void reload(), QUIET_MS);
  };
  const users = usersOf(files);
  // Folders, because editors put a new file in the place of the old one.
  for (const [folder, own] of Map.groupBy(users.keys(), dirname)) {
    const take = (name: string | null): void => {
      const meant = name === null ? own : own.filter((path) => basename(path) === name);
      if (meant.length > 0) note(meant);
    };
    watchers.push(watch(folder, (_, name) => take(name)));
  }
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Of each path, the files that it is a part of. */
function usersOf(files: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>();
  for (const file of files) for (const path of filesLoadedWith(file)) users.set(path, (users.get(path) ?? new Set()).add(file));
  return users;
}

async function loadAgain(baton: Baton, file: string, terminal: Terminal): Promise<void> {
  try {
    await baton.reload(file);
    terminal.say(`loaded ${file} again`);
  } catch (error) {
    if (!isProblemError(error)) throw error;
    terminal.complain(sayDiagnostics(error.problem, terminal)); // the old code stays until the file is right again
  }
}
