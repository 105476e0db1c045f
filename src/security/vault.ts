// Secrets at rest: each encrypted for itself, under a key of this vault, which a master key wraps.
//
// A value goes in and comes out here alone; people see names, hosts and dates. What was moved to another vault, another
// name or another version, or was altered by a bit, does not open.
//
//  1. What was acknowledged stays: whoever changes secrets has them to itself, from reading to writing.
//  2. A file is read for what it is, or not at all (SECRET_STORE_CORRUPT).
//
// Source: AES-256-GCM, NIST SP 800-38D; every encryption draws a nonce of 96 bits.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockDirectory } from "../store.ts";
import { securityProblems } from "./problems.ts";

/** What may be told of a secret. */
export interface SecretLine {
  readonly name: string;
  /** The only hosts it may be sent to; everywhere where there are none. */
  readonly hosts: readonly string[];
  /** Counts from 1: how often it was set. */
  readonly version: number;
  /** RFC 3339. */
  readonly changedAt: string;
}

export interface Vault {
  /** Throws SECRET_NAME_INVALID / SECRET_VALUE_INVALID / SECRET_HOST_INVALID / SECRET_KEY_WRONG / SECRET_STORE_CORRUPT. */
  set(name: string, value: string, hosts?: readonly string[]): SecretLine;
  /** By name. */
  list(): SecretLine[];
  /** False where there was none. */
  delete(name: string): boolean;
  /** The value that is there, else the one that is made and kept: the same for all who ask at once. */
  valueOr(name: string, make: () => string): string;
  /** Undefined where there is none. Throws SECRET_KEY_WRONG: what cannot be opened is not left out. */
  value(name: string): string | undefined;
}

interface Sealed {
  readonly nonce: string;
  readonly tag: string;
  readonly data: string;
}

type Kept = Omit<SecretLine, "name"> & { readonly sealed: Sealed };

interface Contents {
  readonly v: 1;
  /** Of this vault: a part of what every value is bound to. */
  readonly id: string;
  readonly key: Sealed;
  readonly secrets: Readonly<Record<string, Kept>>;
}

/** UTF-16 units. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;

/** Of a value, in UTF-8. */
export const SECRET_BYTES_MAX = 64 << 10;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

export interface VaultOptions {
  /** Base64 of 32 bytes; else the file `master.key` beside the secrets, made when a secret is first set. */
  readonly masterKey?: string | undefined;
  readonly now?: () => number;
  /** Which of the directory's files: people's secrets, or keys of Baton's own; one master key for both. */
  readonly file?: (typeof FILES)[number];
}

const FILES = ["secrets.json", "keys.json"] as const;

/** The secrets of a data directory. Nothing is read or written before it is asked for. */
export function openVault(directory: string, { masterKey, now = Date.now, file = "secrets.json" }: VaultOptions = {}): Vault {
  const path = join(directory, file);
  const keyPath = join(directory, "master.key");
  const master = (): Buffer => (masterKey === undefined ? readKeyFile(keyPath) : keyFrom(masterKey, "BATON_MASTER_KEY"));
  const dataKeyOf = ({ id, key }: Contents): Buffer => open(master(), key, `${id}|key`, "the vault's own key");
  /** While the directory is locked. */
  const put = (name: string, value: string, hosts: readonly string[]): SecretLine => {
    const known = read(path);
    if (known === null && masterKey === undefined && isFresh(directory)) makeKeyFile(keyPath);
    const contents = known ?? fresh(master());
    const version = (contents.secrets[name]?.version ?? 0) + 1;
    const sealed = seal(dataKeyOf(contents), value, bound(contents.id, name, version, hosts));
    const kept = { hosts, version, changedAt: new Date(now()).toISOString(), sealed };
    write(path, { ...contents, secrets: { ...contents.secrets, [name]: kept } });
    return lineOf(name, kept);
  };
  const opened = (name: string): string | undefined => {
    const contents = read(path);
    if (contents === null || !Object.hasOwn(contents.secrets, name)) return undefined;
    const { sealed, version, hosts } = contents.secrets[name] as Kept;
    return open(dataKeyOf(contents), sealed, bound(contents.id, name, version, hosts), `the secret "${name}"`).toString("utf8");
  };
  return {
    set(name, value, hosts = []) {
      requireFit(name, value);
      const places = [...new Set(hosts.map(hostOf))];
      using _own = lock(directory); // 1
      return put(name, value, places);
    },
    valueOr(name, make) {
      const known = opened(name);
      if (known !== undefined) return known;
      using _own = lock(directory); // 1
      const kept = opened(name);
      if (kept !== undefined) return kept;
      const made = make();
      put(name, made, []);
      return made;
    },
    list: () =>
      Object.entries(read(path)?.secrets ?? {})
        .map(([name, kept]) => lineOf(name, kept))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    delete(name) {
      if (read(path) === null) return false;
      using _own = lock(directory); // 1
      const contents = read(path);
      if (contents === null || !Object.hasOwn(contents.secrets, name)) return false;
      const { [name]: _, ...left } = contents.secrets;
      write(path, { ...contents, secrets: left });
      return true;
    },
    value: opened,
  };
}

function requireFit(name: string, value: string): void {
  if (!NAME.test(name))
    throw securityProblems.SECRET_NAME_INVALID(`${JSON.stringify(name.slice(0, 60))} is no name of a secret.`);
  const bytes = Buffer.byteLength(value);
  if (bytes === 0 || bytes > SECRET_BYTES_MAX || !value.isWellFormed())
    throw securityProblems.SECRET_VALUE_INVALID(
      `The value of "${name}" has ${bytes} bytes; it may have 1 to ${SECRET_BYTES_MAX}.`,
    );
}

/** As URLs write it, which is how a call's host is compared with it. */
function hostOf(written: string): string {
  const [fits, host = "", port] = PLACE.exec(written) ?? [];
  const made =
    fits === undefined || Number(port ?? 1) < 1 || !URL.canParse(`http://${fits}/`) ? null : new URL(`http://${host}/`);
  if (made === null) throw securityProblems.SECRET_HOST_INVALID(`${JSON.stringify(written.slice(0, 200))} is no host.`);
  return `${made.hostname}${port === undefined ? "" : `:${Number(port)}`}`;
}

const PLACE = /^(\[[0-9a-fA-F:.]+\]|[\p{L}\p{N}](?:[\p{L}\p{N}._-]*[\p{L}\p{N}])?)(?::(\d{1,5}))?$/u;

function lineOf(name: string, { hosts, version, changedAt }: Kept): SecretLine {
  return { name, hosts, version, changedAt };
}

/** What a value is bound to: nothing of it may change. */
function bound(id: string, name: string, version: number, hosts: readonly string[]): string {
  return JSON.stringify([id, name, version, hosts]);
}

function fresh(master: Buffer): Contents {
  const id = randomBytes(16).toString("hex");
  return { v: 1, id, key: seal(master, randomBytes(KEY_BYTES), `${id}|key`), secrets: {} };
}

// Sealing.

function seal(key: Buffer, value: string | Buffer, boundTo: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(boundTo));
  const data = Buffer.concat([cipher.update(value), cipher.final()]);
  return { nonce: nonce.toString("base64"), tag: cipher.getAuthTag().toString("base64"), data: data.toString("base64") };
}

function open(key: Buffer, { nonce, tag, data }: Sealed, boundTo: string, what: string): Buffer {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(boundTo)).setAuthTag(Buffer.from(tag, "base64"));
    return Buffer.concat([decipher.update(Buffer.from(data, "base64")), decipher.final()]);
  } catch {
    throw securityProblems.SECRET_KEY_WRONG(`${what} cannot be opened: the master key is another, or the file was altered.`);
  }
}

// Files.

function keyFrom(text: string, where: string): Buffer {
  const key = Buffer.from(text.trim(), "base64");
  if (key.length === KEY_BYTES) return key;
  throw securityProblems.SECRET_KEY_WRONG(`${where} is not base64 of ${KEY_BYTES} bytes.`);
}

function readKeyFile(path: string): Buffer {
  try {
    return keyFrom(readFileSync(path, "utf8"), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw securityProblems.SECRET_KEY_WRONG(`There is no master key at ${path}.`);
  }
}

/** Nothing is sealed here yet: another master key would lock out nothing. */
function isFresh(directory: string): boolean {
  return FILES.every((file) => statSync(join(directory, file), { throwIfNoEntry: false }) === undefined);
}

/** Made once; another process that makes one at the same time does not replace it. */
function makeKeyFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  try {
    writeFileSync(path, `${randomBytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Null where there is none yet. Throws SECRET_STORE_CORRUPT. */
function read(path: string): Contents | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const contents = parsed(text);
  if (isContents(contents)) return contents;
  throw securityProblems.SECRET_STORE_CORRUPT(`${path} is not a file of secrets.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isContents(value: unknown): value is Contents {
  const { v, id, key, secrets } = fieldsOf(value);
  if (v !== 1 || typeof id !== "string" || !isSealed(key)) return false;
  return typeof secrets === "object" && secrets !== null && !Array.isArray(secrets) && Object.values(secrets).every(isKept);
}

function isKept(value: unknown): value is Kept {
  const { hosts, version, changedAt, sealed } = fieldsOf(value);
  const areHosts = Array.isArray(hosts) && hosts.every((host) => typeof host === "string");
  return areHosts && Number.isSafeInteger(version) && typeof changedAt === "string" && isSealed(sealed);
}

function isSealed(value: unknown): value is Sealed {
  const { nonce, tag, data } = fieldsOf(value);
  return [nonce, tag, data].every((one) => typeof one === "string");
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** How long one who changes secrets waits for another who does. */
const LOCK_MS_MAX = 10_000;

/** The directory's secrets are this process's alone until it lets go of them, or is gone. Throws DATA_LOCKED. */
function lock(directory: string): Disposable {
  const lockPath = join(directory, "secrets.lock");
  closeSync(openSync(lockPath, "a", 0o600));
  return lockDirectory(lockPath, LOCK_MS_MAX);
}

/** Whole or not at all, on disk when this returns, readable by this user only. */
function write(path: string, contents: Contents): void {
  const draft = `${path}.${process.pid}`;
  try {
    const file = openSync(draft, "w", 0o600);
    try {
      writeFileSync(file, `${JSON.stringify(contents)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
