// The review of one package: its manifest and licence files read, what they say gathered, and a decision (decide.ts).
//
// What is recorded of a package is small, however long its texts are.

import type { Subject } from "./case.ts";
import { type Decision, decide } from "./decide.ts";
import { type Declared, readDeclared } from "./declared.ts";
import { type Evidence, gatherEvidence } from "./evidence.ts";
import { writeExpression } from "./expression.ts";
import type { PackageFiles } from "./files.ts";
import { foundIn } from "./found.ts";
import type { Policy } from "./policy.ts";

export interface Review extends Decision {
  readonly key: string;
  /** As the manifest writes it; empty for nothing. */
  readonly declared: string;
  /** As SPDX writes it; null where it is no expression. */
  readonly declaredExpression: string | null;
  readonly found: readonly Found[];
  /** Licences of parts and of bundled third-party code. */
  readonly parts: readonly string[];
  readonly findings: readonly string[];
}

export interface Found {
  readonly id: string;
  readonly sure: number;
  readonly file: string;
}

export async function reviewPackage(subject: Subject, files: PackageFiles, policy: Policy): Promise<Review> {
  const declared = readDeclared(files.manifest.kind === "read" ? files.manifest.fields : null);
  const evidence = await gatherEvidence(files, declared);
  const found = foundIn(evidence, "licence");
  const parts = foundIn(evidence, "part");
  const decision = decide({ subject, declared, evidence, found, parts, policy });
  return {
    key: subject.key,
    ...decision,
    declared: declared.written,
    declaredExpression: declared.kind === "expression" ? writeExpression(declared.expression) : null,
    found: found.map(({ label, settled, sure, file }) => ({ id: settled ?? label, sure, file })),
    parts: [...new Set(parts.map(({ settled, label }) => settled ?? label))],
    findings: [...subject.findings, ...declared.remarks, ...invalidity(declared), ...evidence.flatMap(remarkOn)],
  };
}

function invalidity(declared: Declared): string[] {
  return declared.kind === "invalid" ? [`the declared “${declared.written}” is no SPDX expression: ${declared.why}`] : [];
}

function remarkOn({ file, remark }: Evidence): string[] {
  return remark === null ? [] : [`${file} ${remark}`];
}
