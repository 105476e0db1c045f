import assert from "node:assert/strict";
import { test } from "node:test";
import { listedProblems } from "../base/problem.ts";
import "../security.ts";
import "../services.ts";
import { EXIT, exitCodeOf } from "./problems.ts";

test("what a service or the way to it does is no bug of ours", () => {
  const exits = Object.fromEntries(
    [...listedProblems()]
      .filter(([code]) => /^(SERVICE|EGRESS)_/.test(code))
      .map(([code, { status, title }]) => [code, exitCodeOf({ code, status, title, detail: "" })]),
  );
  assert.ok(Object.keys(exits).length > 15);
  for (const [code, exit] of Object.entries(exits)) assert.notEqual(exit, EXIT.bug, code);
  assert.deepEqual([exits.EGRESS_UNREACHABLE, exits.EGRESS_TIMEOUT], [EXIT.unreachable, EXIT.unreachable]);
  assert.deepEqual([exits.SERVICE_REFUSED, exits.SERVICE_ANSWER_INVALID], [EXIT.failed, EXIT.failed]);
});
