import { begun, flow, worldOf, gate } from "./given.ts";
import { RetryAfterError } from "../src/run.ts";
import { workflow, type Context } from "../src/workflow.ts";
async function probe(name: string, wf: any, ms = 120_000) {
  using world = worldOf([wf]);
  try {
    const run = await begun(world, wf);
    await world.clock.advance(ms);
    const r: any = world.run(run);
    console.log(name, r.status, JSON.stringify(r.output ?? r.problem ?? r.wakeAt), world.journal(run).map(e=>e.kind+":"+e.key).join(","));
  } catch (e) { console.log(name, "THREW", (e as Error).message); }
  world.engine.closed.then((c) => console.log(name, "ENGINE STOPPED", c?.code, c?.message));
  await world.clock.settle();
}
const catching = (f: (ctx: Context) => Promise<unknown>) => flow(async (ctx) => { try { return await f(ctx) } catch (e) { return String((e as Error).message) } });
await probe("retryAfter fractional", catching((ctx) => ctx.step("a", () => { throw new RetryAfterError("x", 1500.5) }, { retry: { attemptsMax: 3 } })));
await probe("sleep fractional", catching((ctx) => ctx.sleep("a", 1000.5) as any));
await probe("sleepUntil fractional", catching((ctx) => ctx.sleepUntil("a", Date.UTC(2026,0,1)+1000.25 as any) as any));
await probe("waitSignal timeout fractional", catching((ctx) => ctx.waitSignal("go", { timeoutMs: 1000.5 }) as any));
await probe("ask timeout fractional", catching((ctx) => (ctx as any).ask("go?", { timeoutMs: 1000.5 }) as any));
await probe("workflow timeout fractional", workflow({ name: "flow", timeoutMs: 1500.5, run: async (ctx) => { await ctx.sleep("x", 5000) } }) as any);
await probe("step timeouts fractional", catching((ctx) => ctx.step("a", () => new Promise(() => {}), { timeoutMs: 1500.5, attemptTimeoutMs: 300.25, retry: { attemptsMax: 3, firstDelayMs: 100.5 } } as any)));
await probe("tiny factor", catching((ctx) => ctx.step("a", () => { throw new Error("x") }, { retry: { attemptsMax: 400, firstDelayMs: 0, factor: 1000 } })));
let n = 0;
await probe("surrogate name", flow(async (ctx) => { await ctx.step("\ud800", () => { n++; }); await ctx.sleep("s", 1000); }));
{
  let acts = 0;
  const wf = flow(async (ctx) => { await ctx.step("\ud800", () => { acts++; }); await ctx.sleep("s", 1000); });
  using world = worldOf([wf]);
  const run = await begun(world, wf);
  world.crash();
  await world.clock.advance(2000);
  console.log("surrogate replay: acts", acts, world.run(run).status, JSON.stringify((world.run(run) as any).problem), JSON.stringify(world.journal(run).map(e=>e.key)));
}
{
  const wf = flow(async (ctx) => { await ctx.waitSignal("go"); await ctx.waitSignal("go");});
  using world = worldOf([wf]);
  const run = await begun(world, wf);
  world.signal(run, "go", 1, "\ud800"); await world.clock.settle();
  world.signal(run, "go", 1, "\ud801"); await world.clock.settle();
  console.log("surrogate signals", world.run(run).status, JSON.stringify(world.journal(run).map(e=>e.key)));
  world.engine.closed.then((c) => console.log("surrogate signals ENGINE STOPPED", c?.code, c?.message));
  await world.clock.settle();
}
{
  const wf = flow(async (ctx) => { await ctx.waitSignal("go"); await ctx.waitSignal("go");});
  using world = worldOf([wf]);
  const run = await begun(world, wf, undefined, "\ud800");
  world.start(wf, undefined, "\ud801").then((r) => console.log("start key surrogates", run, r), (e) => console.log("start key surrogates THREW", e.message));
  await world.clock.settle();
  console.log("key read back", JSON.stringify(world.run(run).key));
}
{ // input with -0 etc
  const wf = flow(async (ctx) => { await ctx.step("a\0b" , () => 1); });
  await probe("NUL name", wf);
}
