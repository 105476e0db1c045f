// Every problem of agents and delegation.

import { defineProblems } from "../base/problem.ts";

export const agentProblems = defineProblems({
  AGENT_DEFINITION_INVALID: { status: 422, title: "An agent is defined wrongly.", exit: 3 },
  AGENT_UNKNOWN: { status: 404, title: "There is no such agent.", fix: "`baton agents ls` lists them.", exit: 4 },
  AGENT_EXISTS: {
    status: 409,
    title: "An agent of this name is there already.",
    fix: "Give it another name, or replace it with --replace.",
    exit: 6,
  },
  AGENT_STATUS_INVALID: {
    status: 409,
    title: "An agent's status does not change like that.",
    fix: "`baton agents show NAME` says what it is now.",
    exit: 6,
  },
  AGENT_FAILED: { status: 502, title: "An agent did not do its task." },
  AGENT_LOST: {
    status: 504,
    title: "An agent that was at work is gone.",
    fix: "Its task is handed to another; see whether its process runs.",
  },
  AGENT_OUTPUT_INVALID: { status: 502, title: "An agent's result is not what it promised." },
  AGENT_LOOPS: {
    status: 508,
    title: "An agent does the same again and again.",
    fix: "Say in its instructions when it is done, or give it a tool that helps.",
  },
  AGENT_TURNS_SPENT: {
    status: 508,
    title: "An agent has had all its turns.",
    fix: "Give it more (model.turnsMax), or a smaller task.",
  },
  TOOL_NOT_ALLOWED: { status: 403, title: "An agent asks for a tool that it may not use." },
  TOOL_CHANGED: {
    status: 409,
    title: "A tool is not what it was when the agent was given it.",
    fix: "Look at what changed; then retry the run from this step.",
  },
  TASK_INVALID: { status: 422, title: "A task is written wrongly.", exit: 2 },
  DELEGATION_REFUSED: { status: 409, title: "A task cannot be handed to anybody.", exit: 1 },
  DELEGATION_FAILED: { status: 502, title: "Nobody who was handed a task did it.", exit: 1 },
  DELEGATION_TASK_FAULT: {
    status: 422,
    title: "Good agents fail this task: the task is at fault.",
    fix: "Look at its input and its checks. No agent was charged for it.",
    exit: 1,
  },
});
