// A schedule starts a workflow again and again. The key of each run names the moment of its firing, so that none is
// started twice; `baton start` is there to fire them.
//
//   baton schedules add nightly examples/07-schedule.ts --cron "0 3 * * *" --zone Europe/Berlin > /dev/null && baton schedules pause nightly
//
// prints
//
//   nightly: every day at 03:00 (Europe/Berlin); paused
//
//   baton run examples/07-schedule.ts --key schedule/nightly/2026-03-29T01:00:00.000Z
//
// prints
//
//   the report of 2026-03-29, 01:00 UTC

import { workflow } from "batonflow";

export default workflow({
  name: "report",
  run: async (ctx) => {
    const [, , moment = ""] = ctx.info.key?.split("/") ?? [];
    const [day, time = ""] = moment.split("T");
    return `the report of ${day}, ${time.slice(0, 5)} UTC`;
  },
});
