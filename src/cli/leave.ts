// Ending the process on purpose. A workflow's code that calls process.exit ends it too, and then nobody was told.

let isMeant = false;

/** The command has come to its own end: from now on an exit is meant. */
export function meanToLeave(): void {
  isMeant = true;
}

export function leave(code: number): never {
  meanToLeave();
  process.exit(code);
}

/** Calls `tell` when the process ends before the command has; what it gives is the exit code. */
export function onUnmeantExit(tell: () => number): void {
  process.on("exit", () => {
    if (!isMeant) process.exitCode = tell();
  });
}
