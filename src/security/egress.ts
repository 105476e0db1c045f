// Deciding where calls may go: a URL, a policy, the addresses of its host. Pure.
//
// Open to all: http and https, ports 80 and 443, hosts whose every address is public. What is opened by name is opened
// for that host only; metadata services only where their very address is named.

import { isIP } from "node:net";
import { kindOfAddress, METADATA_NAMES } from "./address.ts";
import { securityProblems } from "./problems.ts";

export interface EgressPolicy {
  /** `HOST` (any port) or `HOST:PORT`, in lower case; IPv6 in brackets. */
  readonly allow: ReadonlySet<string>;
}

const ENTRY = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/;
const PORT_MAX = 65_535;

/** Reads what may be called beside the public Internet. Throws EGRESS_POLICY_INVALID. */
export function readPolicy(allow: readonly string[]): EgressPolicy {
  const read = allow.map((entry) => {
    const [fits, host = "", port] = ENTRY.exec(entry) ?? [];
    if (fits === undefined || (port !== undefined && (Number(port) < 1 || Number(port) > PORT_MAX)))
      throw securityProblems.EGRESS_POLICY_INVALID(`${JSON.stringify(entry)} is not HOST or HOST:PORT.`);
    return `${canonicalHost(host)}${port === undefined ? "" : `:${Number(port)}`}`;
  });
  return { allow: new Set(read) };
}

/** As URLs write it: 0x7f.1 is 127.0.0.1. */
function canonicalHost(host: string): string {
  try {
    return new URL(`http://${host}/`).hostname;
  } catch {
    throw securityProblems.EGRESS_POLICY_INVALID(`${JSON.stringify(host)} is no host.`);
  }
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** A URL that may be called, so far as it says itself. `isOpen`: by name, whatever its addresses. */
export interface Destination {
  readonly url: URL;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isOpen: boolean;
}

/** Reads a URL, once. Throws EGRESS_URL_INVALID or EGRESS_DENIED. */
export function readDestination(text: string, policy: EgressPolicy): Destination {
  const url = parsed(text);
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined)
    throw securityProblems.EGRESS_DENIED(`${url.protocol} is not called; only http and https are.`, {
      fix: "Use http or https.",
    });
  if (url.username !== "" || url.password !== "")
    throw securityProblems.EGRESS_URL_INVALID("A URL may not carry a user name or a password.", { fix: "Use authentication." });
  const port = url.port === "" ? defaultPort : Number(url.port);
  const { hostname } = url;
  const isOpen = policy.allow.has(hostname) || policy.allow.has(`${hostname}:${port}`);
  const host = hostname.replace(/^\[|\]$/g, "");
  requireNoMetadata(host, isOpen);
  if (!isOpen && port !== 80 && port !== 443) throw denied(hostname, port, `port ${port} is not open`);
  if (isIP(host) !== 0) requireAddresses({ url, host, port, isOpen }, [host]);
  return { url, host, port, isOpen };
}

/** Without its query, where secrets may be; else whole, for those who mask: half a secret is not recognised. */
export function quotedUrl(text: string): string {
  return JSON.stringify(text.replace(/[?#].*$/s, "?…"));
}

function parsed(text: string): URL {
  if (/[\u0000-\u0020\u007f\\]/.test(text))
    throw securityProblems.EGRESS_URL_INVALID(`${quotedUrl(text)} has characters that no URL has.`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw securityProblems.EGRESS_URL_INVALID(`${quotedUrl(text)} is no absolute URL.`);
  }
  if (url.hostname === "") throw securityProblems.EGRESS_URL_INVALID(`${quotedUrl(text)} names no host.`);
  return url;
}

/** Whether a host is a metadata service of a cloud, by name or by address. */
export function isMetadataHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$|\.$/g, "");
  return METADATA_NAMES.has(name) || (isIP(name) !== 0 && kindOfAddress(name) === "metadata");
}

function requireNoMetadata(host: string, isOpen: boolean): void {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (METADATA_NAMES.has(name))
    throw securityProblems.EGRESS_DENIED(`${host} is a metadata service of a cloud.`, {
      fix: "Metadata services are never opened by name.",
    });
  if (isIP(name) !== 0 && kindOfAddress(name) === "metadata" && !isOpen)
    throw securityProblems.EGRESS_DENIED(`${host} is a metadata service of a cloud.`, {
      fix: "It is opened only where this very address is allowed.",
    });
}

/** Every address a host has must be public: one that is not refuses all. Throws EGRESS_DENIED. */
export function requireAddresses({ host, port, isOpen }: Destination, addresses: readonly string[]): void {
  if (addresses.length === 0) throw securityProblems.EGRESS_UNREACHABLE(`${host} has no address.`);
  for (const address of addresses) {
    const kind = kindOfAddress(address);
    const isNamed = isOpen && isIP(host) !== 0;
    if (kind === null || (isOpen && kind !== "metadata") || isNamed) continue;
    throw denied(
      host,
      port,
      `${address === host ? "it" : address} is ${kind === "metadata" ? "a metadata service of a cloud" : `a ${kind} address`}`,
    );
  }
}

function denied(host: string, port: number, why: string): Error {
  return securityProblems.EGRESS_DENIED(`${host}:${port} may not be called: ${why}.`);
}
