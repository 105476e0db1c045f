// Keys that sign. Owns how a key is made, named and kept; leaves what is signed, and who is trusted, to others.
//
// 1. A key is made once for a data directory and kept in its vault, apart from people's secrets: no work can ask for it.
// 2. A public key is 32 bytes in base64url; its name is the SHA-256 of these bytes, so nobody can take another's name.
//
// Source: Ed25519, RFC 8032.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { securityProblems } from "./problems.ts";
import { openVault, type VaultOptions } from "./vault.ts";

export interface Signer {
  /** Base64url of 32 bytes. */
  readonly publicKey: string;
  /** The public key's name. */
  readonly keyId: string;
  /** Base64url of 64 bytes; the same for the same text. */
  sign(text: string): string;
}

export const SEED_BYTES = 32;

/** What stands before the 32 bytes of a private key in PKCS #8 (RFC 8410 §7). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** The key of 32 secret bytes. Throws SIGNING_KEY_INVALID. */
export function signerFrom(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES)
    throw securityProblems.SIGNING_KEY_INVALID(`A signing key has ${seed.length} bytes; it must have ${SEED_BYTES}.`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "jwk" }).x ?? "";
  const signed = (text: string): string => sign(null, Buffer.from(text), key).toString("base64url");
  return { publicKey, keyId: keyIdOf(publicKey), sign: signed };
}

/** The signer of a data directory, which exists; its key is made at the first time. Throws SECRET_… / SIGNING_KEY_INVALID. */
export function openSigner(directory: string, options: VaultOptions = {}): Signer {
  const vault = openVault(directory, { ...options, file: "keys.json" });
  const seed = vault.valueOr(NAME, () => randomBytes(SEED_BYTES).toString("base64"));
  return signerFrom(Buffer.from(seed, "base64"));
}

const NAME = "delegations";

/** The name of a public key. */
export function keyIdOf(publicKey: string): string {
  return createHash("sha256").update(Buffer.from(publicKey, "base64url")).digest("base64url");
}

/** Whether the owner of the public key signed the text. False as well for what is no key or no signature. */
export function isSigned(publicKey: string, text: string, signature: string): boolean {
  try {
    return verify(null, Buffer.from(text), publicKeyFrom(publicKey), Buffer.from(signature, "base64url"));
  } catch {
    return false;
  }
}

function publicKeyFrom(x: string): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}
