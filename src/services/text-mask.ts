// Secrets in a text that comes in pieces: a piece may end in the middle of one.

import { maskedForms, secretForms } from "../workflow.ts";

export class TextMask {
  readonly #forms: readonly string[];
  #held = "";

  constructor(secrets: readonly string[]) {
    this.#forms = secrets.length === 0 ? [] : secretForms(secrets);
  }

  /** What may be shown by now: all but an end with which a secret may begin. */
  push(piece: string): string {
    if (this.#forms.length === 0) return piece;
    const text = maskedForms(this.#held + piece, this.#forms) as string;
    const cut = text.length - this.#beginningIn(text);
    this.#held = text.slice(cut);
    return text.slice(0, cut);
  }

  #beginningIn(text: string): number {
    const longest = Math.min(text.length, (this.#forms[0]?.length ?? 1) - 1);
    for (let length = longest; length > 0; length--) {
      const end = text.slice(-length);
      if (this.#forms.some((form) => form.startsWith(end))) return length;
    }
    return 0;
  }

  end(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}
