// The way to processes that are agents: through the egress gate, each at its own address, with its secret.

import { type AgentDesk, agentProblems, type ProcessAgent, type ProcessDoor } from "../agents.ts";
import type { Json } from "../base/json.ts";
import { type EgressGate, openGate, readPolicy } from "../security.ts";
import { secretNamed } from "./outside.ts";

/** Bytes of what a process says at once. */
const ANSWER_BYTES_MAX = 32 << 20;

/** One look may take so long, in ms. */
const LOOK_MS_MAX = 30_000;

export function processDoor(desk: Pick<AgentDesk, "token" | "accounts" | "now">): ProcessDoor {
  const gates = new Map<string, EgressGate>();
  return {
    async ask({ url, secret, leaseMs = LOOK_MS_MAX }, { method, path, body }, signal) {
      const gate = gateTo(url, Math.min(leaseMs, LOOK_MS_MAX), gates);
      const token = secret === undefined ? undefined : secretNamed(secret);
      if (secret !== undefined && token === undefined)
        throw agentProblems.AGENT_LOST(`The secret "${secret}" is not there.`, { fix: `\`baton secrets set ${secret}\`` });
      const answer = await gate.request({
        method,
        url: `${url.replace(/\/+$/, "")}${path}`,
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${String(token)}` }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        redirect: "stop",
        signal,
      });
      return { status: answer.status, body: readBody(answer.body) };
    },
    token: ({ run, terms }) => desk.token(run, terms),
    pause: (ms, signal) => paused(ms, signal),
    now: () => desk.now(),
    paid({ terms }, key, { usd, tokens, calls }) {
      const actual = {
        ...(usd === undefined ? {} : { usd }),
        ...(tokens === undefined ? {} : { tokens }),
        ...(calls === undefined ? {} : { calls }),
      };
      if (Object.keys(actual).length > 0) desk.accounts.commit(`${key} used`, terms.account, actual);
    },
  };
}

/** What a definition names is open. A look ends with the lease, so that one that hangs is lost like one that is gone. */
function gateTo(url: ProcessAgent["url"], lookMs: number, gates: Map<string, EgressGate>): EgressGate {
  const { host, hostname, port, protocol } = new URL(url);
  const known = gates.get(`${host} ${lookMs}`);
  if (known !== undefined) return known;
  const place = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
  const made = openGate(readPolicy([place]), {
    limits: { responseBytesMax: ANSWER_BYTES_MAX, headersMs: lookMs, totalMs: lookMs, connectMs: Math.min(lookMs, 2_000) },
  });
  gates.set(`${host} ${lookMs}`, made);
  return made;
}

function readBody(bytes: Uint8Array): Json {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  try {
    return text === "" ? null : (JSON.parse(text) as Json);
  } catch {
    return text.slice(0, 2_000);
  }
}

function paused(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
