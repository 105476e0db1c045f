// Problems of the egress gate, of secrets and of keys, in one place.

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
  EGRESS_REDIRECTS: { status: 502, title: "A service sends from one place to the next without end.", exit: 1 },
  EGRESS_RESPONSE_TOO_LARGE: { status: 502, title: "An answer is too large.", exit: 1 },
  EGRESS_TIMEOUT: { status: 504, title: "A service does not answer in time.", exit: 69 },
  EGRESS_UNREACHABLE: { status: 502, title: "A service cannot be reached.", exit: 69 },
  SECRET_NAME_INVALID: {
    status: 422,
    title: "A secret's name has a wrong form.",
    fix: "Letters, digits, `_`, `.` and `-`, at most 128, beginning with a letter.",
    exit: 2,
  },
  SECRET_VALUE_INVALID: { status: 422, title: "A secret's value cannot be kept.", exit: 2 },
  SECRET_HOST_INVALID: {
    status: 422,
    title: "What a secret is for is no host.",
    fix: "Write HOST or HOST:PORT, without http:// and without a path; several by --host A --host B.",
    exit: 2,
  },
  SECRET_UNKNOWN: { status: 404, title: "There is no such secret.", fix: "`baton secrets ls` lists them.", exit: 4 },
  SECRET_KEY_WRONG: {
    status: 500,
    title: "Secrets cannot be opened.",
    fix: "Put back the master key they were set with: master.key in the data directory, or BATON_MASTER_KEY.",
    exit: 5,
  },
  SECRET_STORE_CORRUPT: {
    status: 500,
    title: "The file of secrets cannot be read.",
    fix: "Put back a copy of the file.",
    exit: 74,
  },
  SIGNING_KEY_INVALID: {
    status: 500,
    title: "The key that signs delegations cannot be used.",
    fix: "Put back a copy of keys.json, or delete it: a new key is made, and delegations under way are refused.",
    exit: 74,
  },
  EGRESS_POLICY_INVALID: {
    status: 422,
    title: "What may be called is written wrongly.",
    fix: "Write HOST or HOST:PORT.",
    exit: 2,
  },
});
