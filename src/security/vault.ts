// Secrets at rest: each encrypted for itself, under a key of this vault, which a master key wraps.
//
// A value goes in and comes out here alone; people see names, hosts and dates. What was moved to another vault, another
// name or another version, or was altered by a bit, does not open.
//
// Source: AES-256-GCM, NIST SP 800-38D; every encryption draws a nonce of 96 bits.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
  /** Throws SECRET_NAME_INVALID / SECRET_VALUE_INVALID / SECRET_KEY_WRONG. */
  set(name: string, value: string, hosts?: readonly string[]): SecretLine;
  /** By name. */
  list(): SecretLine[];
  /** False where there was none. */
  delete(name: string): boolean;
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

/** UTF-8 bytes. */
const VALUE_BYTES_MAX = 64 << 10;

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
  return {
    set(name, value, hosts = []) {
      requireFit(name, value);
      const known = read(path);
      if (known === null && masterKey === undefined && isFresh(directory)) makeKeyFile(keyPath);
      const contents = known ?? fresh(master());
      const version = (contents.secrets[name]?.version ?? 0) + 1;
      const sealed = seal(dataKeyOf(contents), value, bound(contents.id, name, version, hosts));
      const kept = { hosts: [...hosts], version, changedAt: new Date(now()).toISOString(), sealed };
      write(path, { ...contents, secrets: { ...contents.secrets, [name]: kept } });
      return lineOf(name, kept);
    },
    list: () =>
      Object.entries(read(path)?.secrets ?? {})
        .map(([name, kept]) => lineOf(name, kept))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    delete(name) {
      const contents = read(path);
      if (contents === null || !Object.hasOwn(contents.secrets, name)) return false;
      const { [name]: _, ...left } = contents.secrets;
      write(path, { ...contents, secrets: left });
      return true;
    },
    value(name) {
      const contents = read(path);
      if (contents === null || !Object.hasOwn(contents.secrets, name)) return undefined;
      const { sealed, version, hosts } = contents.secrets[name] as Kept;
      return open(dataKeyOf(contents), sealed, bound(contents.id, name, version, hosts), `the secret "${name}"`).toString("utf8");
    },
  };
}

function requireFit(name: string, value: string): void {
  if (!NAME.test(name))
    throw securityProblems.SECRET_NAME_INVALID(`${JSON.stringify(name.slice(0, 60))} is no name of a secret.`);
  const bytes = Buffer.byteLength(value);
  if (bytes === 0 || bytes > VALUE_BYTES_MAX || !value.isWellFormed())
    throw securityProblems.SECRET_VALUE_INVALID(
      `The value of "${name}" has ${bytes} bytes; it may have 1 to ${VALUE_BYTES_MAX}.`,
    );
}

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
  try {
    const contents = JSON.parse(text) as Partial<Contents>;
    if (contents.v === 1 && typeof contents.id === "string" && typeof contents.secrets === "object") return contents as Contents;
  } catch {
    // said below
  }
  throw securityProblems.SECRET_STORE_CORRUPT(`${path} is not a file of secrets.`);
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
