// Live news: what is happening now, for whoever looks. Nothing is promised of it and nothing hangs on it; what must
// be known is in the journal.

import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import type { Asked, Failure, LogLevel, PauseReason, Progress, RunStatus } from "../run.ts";

export type News =
  | { readonly kind: "started"; readonly run: RunId; readonly parent: RunId | null; readonly workflow: string }
  | {
      readonly kind: "status";
      readonly run: RunId;
      readonly status: RunStatus;
      readonly reason: PauseReason | null;
      readonly wakeAt: number | null;
    }
  | { readonly kind: "step-began"; readonly run: RunId; readonly step: string; readonly attempt: number }
  | {
      readonly kind: "attempt-failed";
      readonly run: RunId;
      readonly step: string;
      readonly attempt: number;
      readonly failure: Failure;
      readonly retryAt: number;
    }
  | { readonly kind: "step-ended"; readonly run: RunId; readonly step: string; readonly ok: boolean }
  | { readonly kind: "asked"; readonly run: RunId; readonly key: string; readonly asked: Asked }
  | { readonly kind: "streamed"; readonly run: RunId; readonly stream: string; readonly value: Json }
  | { readonly kind: "progress"; readonly run: RunId; readonly progress: Progress }
  | { readonly kind: "logged"; readonly run: RunId; readonly level: LogLevel; readonly message: string; readonly data: Json };

export type Listener = (news: News) => void;
