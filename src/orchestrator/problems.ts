// Problems of opening Baton, loading files and reaching an owner, in one place.

import { defineProblems } from "../base/problem.ts";

export const orchestratorProblems = defineProblems({
  OPENED_WHILE_LOADING: {
    status: 409,
    title: "A workflow file opens Baton while it is being loaded.",
    fix: "Export the workflow and let `baton run` carry it; keep openBaton for a program of your own, run with node.",
    exit: 3,
  },
  DATA_DIRECTORY: {
    status: 503,
    title: "The data directory cannot be made or written, or is something else.",
    fix: "Choose another with --data or BATON_DATA.",
    exit: 74,
  },
  OWNER_UNREACHABLE: {
    status: 503,
    title: "The owner of the data directory does not answer.",
    fix: "Wait a moment and try again; if it hangs, stop its process.",
    exit: 69,
  },
  OWNER_GONE: { status: 503, title: "The owner of the data directory left before it took the request.", exit: 69 },
  OWNER_LOST: {
    status: 503,
    title: "The owner of the data directory went away while it was asked; whether it did so is unknown.",
    fix: "Look with `baton runs ls` before asking again.",
    exit: 69,
  },
  NOT_ALLOWED: { status: 403, title: "The caller is not allowed to do this.", exit: 5 },
  WF_FILE_MISSING: { status: 404, title: "There is no such workflow file.", exit: 4 },
  WF_FILE_KIND: {
    status: 422,
    title: "The file is not a workflow file.",
    fix: "Give a .ts, .mts, .js or .mjs file that exports a workflow, or a document: .yaml, .yml or .json.",
    exit: 3,
  },
  DOCUMENT_INVALID: {
    status: 422,
    title: "A workflow document is not valid.",
    fix: "`baton validate FILE` shows everything that is wrong with it, and where.",
    exit: 3,
  },
  WF_NONE: {
    status: 422,
    title: "The file exports no workflow.",
    fix: 'Export one: export default workflow({ name: "…", run: async (ctx, input) => … }).',
    exit: 3,
  },
  WF_SEVERAL: {
    status: 422,
    title: "The file exports several workflows and none as default.",
    fix: "Name one: FILE#export.",
    exit: 3,
  },
  WF_EXPORT_UNKNOWN: { status: 404, title: "The file has no such export.", exit: 3 },
  WF_TS_SYNTAX: {
    status: 422,
    title: "The file uses TypeScript that cannot run as it stands.",
    fix: "Use erasable syntax only: no enum, namespace, parameter properties or `import x = require()`.",
    exit: 3,
  },
  WF_SYNTAX: { status: 422, title: "The file has a syntax error.", exit: 3 },
  WF_IMPORT: {
    status: 422,
    title: "The file imports something that is not there, or cannot be imported.",
    fix: "Install the package beside the file, or correct the path.",
    exit: 3,
  },
  WF_LOAD_FAILED: { status: 422, title: "The file threw while it was being loaded.", exit: 3 },
  WF_LOAD_TIMEOUT: {
    status: 422,
    title: "The file did not finish loading.",
    fix: "Move work at its top level into a step.",
    exit: 3,
  },
});
