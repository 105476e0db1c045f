// The secrets of a data directory: where they are kept, for the command and for what documents use.

import { openVault, type SecretLine, securityProblems, type Vault } from "../security.ts";
import { type DataDirectory, dataDirectory, makeDirectory } from "./directory.ts";
import { secretInEnvironment } from "./outside.ts";

export { SECRET_BYTES_MAX } from "../security.ts";

export function secretsAt({ path }: DataDirectory): Vault {
  return openVault(path, { masterKey: process.env.BATON_MASTER_KEY });
}

/** Keeps a secret; makes the data directory where there is none. Throws SECRET_… problems / DATA_DIRECTORY. */
export function setSecret(data: string, name: string, value: string, hosts: readonly string[]): SecretLine {
  const directory = dataDirectory(data);
  makeDirectory(directory);
  return secretsAt(directory).set(name, value, hosts);
}

export function listSecrets(data: string): SecretLine[] {
  return secretsAt(dataDirectory(data)).list();
}

/** Whether calls would find it: kept, or in the environment. */
export function hasSecret(data: string, name: string): boolean {
  return secretInEnvironment(name) !== undefined || listSecrets(data).some((line) => line.name === name);
}

/** Throws SECRET_UNKNOWN. */
export function deleteSecret(data: string, name: string): void {
  if (secretsAt(dataDirectory(data)).delete(name)) return;
  throw securityProblems.SECRET_UNKNOWN(`There is no secret "${name.slice(0, 60)}" in ${data}.`);
}
