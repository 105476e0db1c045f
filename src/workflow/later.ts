// What the specification has and Baton does not have yet: recognised when a document is checked, and refused by name.

import type { Json } from "../base/json.ts";
import type { Report, Trail } from "./diagnostic.ts";
import { isMembers, type Members, membersOf } from "./task.ts";

const CALLS: Readonly<Record<string, string>> = {
  grpc: "gRPC calls",
  asyncapi: "AsyncAPI calls",
  a2a: "A2A calls",
  mcp: "MCP calls",
  decide: "Decisions of several",
};

const UNTIL: Readonly<Record<string, string>> = {
  grpc: "call the service over HTTP",
  asyncapi: "use emit and listen",
  a2a: "call the agent over HTTP",
  mcp: "call the tool from a function in code",
  decide: "use fork and a function in code",
};

function refuse(report: Report, at: Trail, feature: string, until: string | null, onKey = false): void {
  const fix = until === null ? null : `Until then ${until}.`;
  report.add("DOC_NOT_YET", at, `${feature} come later.`, { onKey, fix });
}

export function laterOfDocument(definition: Members, at: Trail, report: Report): void {
  const use = membersOf(definition.use);
  const inUse = at.child("use");
  if (use.extensions !== undefined) refuse(report, inUse.child("extensions"), "Extensions", null, true);
  for (const [name, policy] of Object.entries(membersOf(use.authentications)))
    laterOfAuthentication(policy, inUse.child("authentications").child(name), report);
  for (const name of Object.keys(membersOf(use.catalogs)))
    refuse(report, inUse.child("catalogs").child(name), "Catalogs", "make functions in code known with --with", true);
  const schedule = membersOf(definition.schedule);
  if (schedule.on !== undefined)
    refuse(report, at.child("schedule").child("on"), "Schedules on events", "listen for the event", true);
  const { language } = membersOf(definition.evaluate);
  if (language !== undefined && language !== "jq")
    refuse(report, at.child("evaluate").child("language"), "Expression languages other than jq", null);
}

export function laterOfAuthentication(policy: Json | undefined, at: Trail, report: Report): void {
  if (!isMembers(policy)) return;
  for (const kind of ["digest", "oauth2", "oidc", "certificate"]) {
    if (policy[kind] === undefined) continue;
    const names: Readonly<Record<string, string>> = {
      digest: "Digest",
      oauth2: "OAuth2",
      oidc: "OpenID Connect",
      certificate: "Certificate",
    };
    report.add("DOC_NOT_YET", at.child(kind), `${names[kind]} authentication comes later.`, {
      onKey: true,
      fix: "Until then get a token and use bearer.",
    });
  }
}

/** Says whether the call is one that comes later. */
export function laterOfCall(name: string, at: Trail, report: Report): boolean {
  const place = at.child("call");
  if (Object.hasOwn(CALLS, name)) {
    refuse(report, place, CALLS[name] ?? name, UNTIL[name] ?? null);
    return true;
  }
  if (/^https?:\/\//.test(name)) refuse(report, place, "Functions by URL", "define the function in use.functions");
  else if (/@(?!default$)/.test(name))
    refuse(report, place, "Functions of catalogs", "define the function in use.functions, or in code");
  else return false;
  return true;
}

export function laterOfTask(definition: Members, at: Trail, report: Report): void {
  const run = membersOf(definition.run);
  for (const kind of ["script", "shell", "container"])
    if (run[kind] !== undefined)
      report.add("DOC_NOT_YET", at.child("run").child(kind), `Running a ${kind} comes later.`, {
        onKey: true,
        fix: "Until then do it in a function in code.",
      });
  if (definition.listen === undefined) return;
  if (definition.foreach !== undefined) refuse(report, at.child("foreach"), "Iterators over events", "listen in a loop", true);
  const to = membersOf(membersOf(definition.listen).to);
  const place = at.child("listen").child("to");
  if (to.until !== undefined) refuse(report, place.child("until"), "Listening until something", "listen in a loop", true);
  for (const [name, filters] of Object.entries(to)) {
    const many = Array.isArray(filters) ? (filters as readonly Json[]) : [filters];
    many.forEach((filter, i) => {
      const own = Array.isArray(filters) ? place.child(name).child(i) : place.child(name);
      if (membersOf(filter).correlate !== undefined)
        refuse(report, own.child("correlate"), "Correlations of events", "compare in the filter", true);
    });
  }
}
