// Retry. A step with a policy is tried again when it throws. Each attempt carries the same idempotency key, so a service
// that knows the key does the work once, also when its answer was lost and it is asked again.
//
//   baton run examples/02-retry.ts -i cents=1250
//
// prints
//
//   {
//     "receipt": "receipt 1 over 12.50",
//     "attempts": 3,
//     "charges": 1
//   }

import { workflow, z } from "batonflow";

/** A payment service on a bad line: first it is down, then its answer is lost. It charges once per key. */
const charges = new Map<string, string>();
let calls = 0;
function charge(key: string, cents: number): string {
  calls++;
  if (calls === 1) throw new Error("service is down");
  if (!charges.has(key)) charges.set(key, `receipt ${charges.size + 1} over ${(cents / 100).toFixed(2)}`);
  if (calls === 2) throw new Error("connection lost, answer unknown");
  return charges.get(key) ?? "";
}

export default workflow({
  name: "retry",
  input: z.object({ cents: z.number().int().positive() }),
  run: (ctx, { cents }) =>
    ctx.step(
      "charge the card",
      ({ idempotencyKey, attempt }) => ({ receipt: charge(idempotencyKey, cents), attempts: attempt, charges: charges.size }),
      { retry: { attemptsMax: 5, firstDelayMs: 200, factor: 2 }, timeoutMs: 60_000 },
    ),
});
