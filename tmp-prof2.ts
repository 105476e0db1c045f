import { bench } from "./bench/tmp-calls.ts";
await bench({ quick: false, report: (r) => console.log(r.metric, r.value, r.unit, r.ratio) } as never);
