// jq's own tests: reading their files. A case is a program, an input and the values it gives, or a program that must
// not compile.

export interface JqCase {
  readonly line: number;
  readonly program: string;
  readonly input: string;
  /** JSON texts; null where the program must not compile. */
  readonly outputs: readonly string[] | null;
}

export function readCases(text: string): JqCase[] {
  const cases: JqCase[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const first = lines[at] ?? "";
    if (first.trim() === "" || first.startsWith("#")) continue;
    const line = at + 1;
    const block: string[] = [];
    while (at < lines.length && (lines[at] ?? "").trim() !== "") block.push(lines[at++] ?? "");
    if (first.startsWith("%%FAIL")) cases.push({ line: line + 1, program: block[1] ?? "", input: "null", outputs: null });
    else {
      const [program = "", input = "null", ...outputs] = block;
      cases.push({ line, program, input, outputs: outputs.filter((one) => !one.startsWith("#")) });
    }
  }
  return cases;
}
