// Operations between runs: children, and signals to others.

import type { RunId } from "../base/id.ts";
import { canonicalJson, type Json, writeJson } from "../base/json.ts";
import { shortHash } from "../base/random.ts";
import { type Entry, type Facts, factOf, limits, runProblems } from "../run.ts";
import type { CodeIdentity } from "../store.ts";
import type { Workflow } from "../workflow.ts";
import { type AcceptedInput, acceptInput } from "./accept.ts";
import { placeOfRun } from "./lines.ts";
import type { TakenName } from "./names.ts";
import { type Home, Operation } from "./operation.ts";
import type { ChildRequest, Draft } from "./port.ts";

/** What both kinds of children have in common: which workflow, with which input. */
abstract class ChildOperation<T> extends Operation<T> {
  readonly #workflow: Workflow;
  /** Taken on every pass, replays too: whoever carries this run then knows the code of its children. */
  readonly #identity: CodeIdentity;
  readonly #input: AcceptedInput;
  readonly #hash: number;

  constructor(home: Home, name: TakenName, workflow: Workflow, input: unknown) {
    super(home, name);
    this.#workflow = workflow;
    this.#identity = home.identityOf(workflow);
    this.#input = acceptInput(workflow, input);
    this.#hash = shortHash(`${workflow.namespace}/${workflow.name} ${canonicalJson(this.#input.value as Json)}`);
    if (home.depth + 1 > limits.CHILD_DEPTH_MAX) {
      throw runProblems.CHILD_TOO_DEEP(
        `${workflow.name} would be ${home.depth + 1} runs below the first; the limit is ${limits.CHILD_DEPTH_MAX}.`,
      );
    }
  }

  override get hash(): number {
    return this.#hash;
  }

  protected request(parentKey: string, parentClose: "cancel" | "keep"): ChildRequest {
    return {
      workflow: this.#identity,
      inputText: this.#input.text,
      key: null,
      timeoutMs: this.#workflow.timeoutMs,
      place: placeOfRun(this.#workflow, this.#input.value),
      parentKey,
      parentClose,
    };
  }

  protected fact(kind: "child-started" | "child-launched", run: RunId): Draft {
    return { kind, key: this.key, hash: this.hash, data: JSON.stringify({ run } satisfies Facts["child-started"]) };
  }
}

/** A child whose output is awaited. */
export class ChildRunOperation<T> extends ChildOperation<T> {
  readonly kind = "child-run";
  #child: RunId | null = null;

  /** With the journal's number, so that the end of a child of an earlier journal is not taken for this one's. */
  override get key(): string {
    return this.home.continued === 0 ? this.name.key : `${this.name.key} / @${this.home.continued}`;
  }

  override recall(entry: Entry): void {
    if (entry.kind === "child-started") this.#child = factOf(entry as Entry & { kind: "child-started" }).run;
  }

  begin(): void {
    this.home.awaits(this, null);
    if (this.#child !== null) this.home.wakeRun(this.#child);
    else this.#child = this.home.startChild(this.request(this.key, "cancel"), (run) => this.fact("child-started", run), null);
  }

  deliver(entry: Entry): void {
    this.home.awaitsNoMore(this);
    if (entry.kind === "child-completed") {
      this.resolve(JSON.parse(entry.data) as T);
      return;
    }
    const { status, problem } = factOf(entry as Entry & { kind: "child-failed" });
    const make = status === "canceled" ? runProblems.CHILD_CANCELED : runProblems.CHILD_FAILED;
    this.reject(make(problem.detail, { at: this.key, facts: { child: this.#child, problem } }));
  }
}

/** A child that goes its own way: its start is the outcome. */
export class ChildStartOperation extends ChildOperation<RunId> {
  readonly kind = "child-start";
  readonly #close: "cancel" | "keep";

  constructor(home: Home, name: TakenName, workflow: Workflow, input: unknown, close: "cancel" | "keep") {
    super(home, name, workflow, input);
    if (close !== "cancel" && close !== "keep")
      throw runProblems.OPTION_INVALID(`parentClose is ${JSON.stringify(close)}; it is "cancel" or "keep".`);
    this.#close = close;
  }

  begin(): void {
    this.home.busy++;
    this.home.startChild(this.request("", this.#close), (run) => this.fact("child-launched", run), this);
  }

  deliver(entry: Entry): void {
    this.resolve(factOf(entry as Entry & { kind: "child-launched" }).run);
  }
}

/** A signal to another run: sent and noted in one commit, under an id that a replay would repeat. */
export class SignalSendOperation extends Operation<void> {
  readonly kind = "signal-send";
  readonly #to: RunId;
  readonly #signal: string;
  readonly #value: Json;

  constructor(home: Home, name: TakenName, to: RunId, signal: string, value: Json) {
    super(home, name);
    this.#to = to;
    this.#signal = signal;
    this.#value = value;
  }

  override get hash(): number {
    return shortHash(`${this.#to} ${this.#signal}`);
  }

  begin(): void {
    const received: Facts["signal-received"] = { name: this.#signal, value: this.#value };
    const id = `${this.home.idempotencyKey(this.key)}`;
    const data = writeJson(received, `Signal "${this.#signal}"`, limits.PAYLOAD_BYTES_MAX);
    const send = { to: this.#to, draft: { kind: "signal-received", key: id, hash: 0, data } } as const;
    this.home.engine.write(this.home.claim, { entries: [], sends: [send] }, null);
    this.conclude("signal-sent", JSON.stringify({ run: this.#to, signal: this.#signal } satisfies Facts["signal-sent"]));
  }

  deliver(): void {
    this.resolve();
  }
}
