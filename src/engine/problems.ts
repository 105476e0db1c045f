// Problems of carrying runs, in one place.

import { defineProblems } from "../base/problem.ts";

export const engineProblems = defineProblems({
  WORKFLOW_UNKNOWN: {
    status: 404,
    title: "No such workflow is loaded.",
    fix: "Make its file known with --with FILE, or pass it to openBaton.",
  },
  WORKFLOW_TWICE: {
    status: 409,
    title: "Two different workflows have one name and version.",
    fix: "Give one of them another name or version.",
    exit: 3,
  },
  NO_SERVICES: { status: 503, title: "Nobody answers calls of services here.", fix: "Run it by `baton run` or openBaton." },
  NO_AGENTS: { status: 503, title: "Nobody hands tasks to agents here.", fix: "Run it by `baton run` or openBaton." },
  ENGINE_CLOSED: { status: 503, title: "Baton is closed.", fix: "Open it again; what was accepted goes on." },
});
