// A change under running runs: those that went past it with the old code go on as before.

import { Operation } from "./operation.ts";

export class PatchOperation extends Operation<boolean> {
  readonly kind = "patch";

  /** A journal that goes on behind this place was written by code without the patch. */
  override asked(): void {
    if (this.recordedOutcome === null && this.home.knowsMore) this.resolve(false);
  }

  begin(): void {
    this.conclude("patched", "null");
  }

  deliver(): void {
    this.resolve(true);
  }
}
