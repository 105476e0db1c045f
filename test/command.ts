// The real command line, as a process: what is typed, what it prints, how it ends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { rootPath } from "../tools/layout.ts";

/** How a command ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Command {
  readonly pid: number;
  /** Rejects when it has not ended in time, or has printed a stack trace. */
  readonly ended: Promise<Ended>;
  /** Resolves once what it has printed so far, on either stream, fits. Rejects when it ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  type(keys: string): void;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Standard input; without it there is none. `open` leaves it to `type`. */
  readonly stdin?: string | "open";
}

/** No command of a test runs longer than this, in ms. */
const COMMAND_MS_MAX = 60_000;

const STACK_TRACE = /\n\s+at /;

/** The tester's own settings are not a part of what is tested. */
function environment(): NodeJS.ProcessEnv {
  const own = /^(NODE_|BATON_|npm_|FORCE_COLOR$|NO_COLOR$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/** Starts a program and listens to it. */
export function start(program: string, args: readonly string[], options: CommandOptions = {}): Command {
  const env = { ...environment(), ...options.env };
  const child = spawn(program, args, { cwd: options.cwd, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout.on("data", (data: Buffer) => take(() => (stdout += data.toString())));
  child.stderr.on("data", (data: Buffer) => take(() => (stderr += data.toString())));
  const take = (add: () => void): void => {
    add();
    for (const listener of [...listeners]) listener();
  };
  child.stdin.on("error", () => undefined); // it need not read all it is given
  if (options.stdin !== "open") child.stdin.end(options.stdin ?? "");

  const told = (): string => `\n--- ${program} ${args.join(" ")}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
  const ended = new Promise<Ended>((resolve, reject) => {
    const late = setTimeout(() => {
      process.kill(-(child.pid ?? 0), "SIGKILL"); // and all that it started
      reject(new Error(`did not end within ${COMMAND_MS_MAX} ms${told()}`));
    }, COMMAND_MS_MAX);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(late);
      if (STACK_TRACE.test(stdout) || STACK_TRACE.test(stderr)) reject(new Error(`printed a stack trace${told()}`));
      else resolve({ code, stdout, stderr });
    });
  });
  ended.catch(() => undefined); // whoever waits for it is told

  return {
    pid: child.pid ?? 0,
    ended,
    says(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = (): void => {
        const found = pattern.exec(stdout) ?? pattern.exec(stderr);
        if (found !== null) resolve(found);
      };
      listeners.add(look);
      look();
      void ended.then(
        () => reject(new Error(`ended without saying ${pattern}${told()}`)),
        (error: unknown) => reject(error),
      );
      return promise.finally(() => listeners.delete(look));
    },
    signal: (name) => void child.kill(name),
    type: (keys) => void child.stdin.write(keys),
  };
}

/** A folder without node_modules, with a data directory of its own, in which commands are typed. */
export interface Place extends Disposable {
  readonly path: string;
  /** Writes a file; gives its path. */
  write(name: string, text: string): string;
  /** Starts `baton` with these words, or with a line of words without quotes. */
  start(words: string | readonly string[], options?: CommandOptions): Command;
  /** The same, to its end. */
  baton(words: string | readonly string[], options?: CommandOptions): Promise<Ended>;
  /** Types a whole line as a person would, with `baton` on the path. */
  shell(line: string, options?: CommandOptions): Command;
}

export function openPlace(files: Readonly<Record<string, string>> = {}): Place {
  const path = mkdtempSync(join(tmpdir(), "baton-place-"));
  const inPlace = (options: CommandOptions = {}): CommandOptions => ({ cwd: path, ...options });
  const words = (typed: string | readonly string[]): readonly string[] => (typeof typed === "string" ? typed.split(" ") : typed);
  const start_ = (typed: string | readonly string[], options?: CommandOptions): Command =>
    start(process.execPath, [rootPath("bin", "baton.mjs"), ...words(typed)], inPlace(options));
  const write = (name: string, text: string): string => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
    return join(path, name);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    path,
    write,
    start: start_,
    baton: (typed, options) => start_(typed, options).ended,
    shell: (line, options) =>
      start("sh", ["-c", line], inPlace({ ...options, env: { ...options?.env, PATH: pathWithBaton(path) } })),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

function pathWithBaton(place: string): string {
  const bin = join(place, ".bin");
  mkdirSync(bin, { recursive: true });
  try {
    symlinkSync(rootPath("bin", "baton.mjs"), join(bin, "baton"));
  } catch {
    // It is there already.
  }
  return [bin, dirname(process.execPath), process.env.PATH].join(delimiter);
}

/** The one object that `--json` prints. */
export function readJsonOutput<T>({ stdout, stderr }: Ended): T {
  assert.ok(stdout.endsWith("}\n") && stdout.trim().split("\n").length === 1, `not one object on stdout: ${stdout}\n${stderr}`);
  const read = JSON.parse(stdout) as T & { v: number };
  assert.equal(read.v, 1);
  return read;
}
