// One package as it is decided on: all that a decision is made from.

import type { Declared } from "./declared.ts";
import type { Evidence } from "./evidence.ts";
import type { FoundLicence } from "./found.ts";
import type { Policy } from "./policy.ts";

export interface Subject {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly findings: readonly string[];
}

export interface Case {
  readonly subject: Subject;
  readonly declared: Declared;
  readonly evidence: readonly Evidence[];
  readonly found: readonly FoundLicence[];
  readonly parts: readonly FoundLicence[];
  readonly policy: Policy;
}
