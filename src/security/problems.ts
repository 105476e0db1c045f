// Problems of the egress gate, in one place.

import { defineProblems } from "../base/problem.ts";

export const securityProblems = defineProblems({
  EGRESS_DENIED: {
    status: 403,
    title: "A call may not go where it wants to.",
    fix: "Whoever runs it may open a private host: --allow HOST[:PORT], or BATON_ALLOW.",
    exit: 5,
  },
  EGRESS_URL_INVALID: { status: 422, title: "A URL cannot be called." },
  EGRESS_REQUEST_INVALID: { status: 422, title: "A request cannot be sent as it is." },
  EGRESS_REDIRECTS: { status: 502, title: "A service sends from one place to the next without end." },
  EGRESS_RESPONSE_TOO_LARGE: { status: 502, title: "An answer is too large." },
  EGRESS_TIMEOUT: { status: 504, title: "A service does not answer in time." },
  EGRESS_UNREACHABLE: { status: 502, title: "A service cannot be reached." },
  EGRESS_POLICY_INVALID: {
    status: 422,
    title: "What may be called is written wrongly.",
    fix: "Write HOST or HOST:PORT.",
    exit: 2,
  },
});
