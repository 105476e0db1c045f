// Which of many texts share runs of four words with another text, and how many: an inverted index in typed arrays,
// so that one look-up costs microseconds per word whatever the number of texts.

/** Words per run. One word that differs costs four runs; four words in a row seldom meet by chance. */
export const SHINGLE_WORDS = 4;

export interface ShingleIndex {
  /** Distinct runs of each text. */
  readonly sizes: Int32Array;
  /** For each text, how many of its distinct runs are among these. */
  overlaps(shingles: Int32Array): Int32Array;
}

/** The hash of the run that begins at each word; 0 where a word is unknown (0), which no text has. */
export function shinglesOf(words: Int32Array): Int32Array {
  const count = Math.max(0, words.length - SHINGLE_WORDS + 1);
  const hashes = new Int32Array(count);
  for (let i = 0; i < count; i++) hashes[i] = hashAt(words, i);
  return hashes;
}

function hashAt(words: Int32Array, at: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + SHINGLE_WORDS; i++) {
    const word = words[i] ?? 0;
    if (word === 0) return 0;
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
  }
  hash ^= hash >>> 13;
  return hash === 0 ? 1 : hash;
}

/** Open addressing: `keys` holds hashes, `heads` the newest posting of each; postings are chained through `next`. */
export function buildShingleIndex(texts: readonly Int32Array[]): ShingleIndex {
  const hashed = texts.map(shinglesOf);
  const total = hashed.reduce((sum, hashes) => sum + hashes.length, 0);
  const mask = 2 ** Math.ceil(Math.log2(Math.max(16, total * 2))) - 1;
  const [keys, heads] = [new Int32Array(mask + 1), new Int32Array(mask + 1)];
  const [ofText, next] = [new Int32Array(total + 1), new Int32Array(total + 1)];
  const sizes = new Int32Array(texts.length);
  let posting = 0;
  for (const [text, hashes] of hashed.entries()) {
    for (const hash of hashes) {
      const slot = slotOf(keys, mask, hash);
      const head = heads[slot] ?? 0;
      if (hash === 0 || (head !== 0 && ofText[head] === text)) continue;
      keys[slot] = hash;
      heads[slot] = ++posting;
      ofText[posting] = text;
      next[posting] = head;
      sizes[text] = (sizes[text] ?? 0) + 1;
    }
  }
  return { sizes, overlaps: (shingles) => count({ keys, heads, ofText, next, mask }, texts.length, shingles) };
}

interface Postings {
  readonly keys: Int32Array;
  readonly heads: Int32Array;
  readonly ofText: Int32Array;
  readonly next: Int32Array;
  readonly mask: number;
}

function slotOf(keys: Int32Array, mask: number, hash: number): number {
  let slot = hash & mask;
  while (keys[slot] !== 0 && keys[slot] !== hash) slot = (slot + 1) & mask;
  return slot;
}

function count({ keys, heads, ofText, next, mask }: Postings, texts: number, shingles: Int32Array): Int32Array {
  const overlaps = new Int32Array(texts);
  for (const hash of new Set(shingles)) {
    if (hash === 0) continue;
    for (let posting = heads[slotOf(keys, mask, hash)] ?? 0; posting !== 0; posting = next[posting] ?? 0) {
      const text = ofText[posting] ?? 0;
      overlaps[text] = (overlaps[text] ?? 0) + 1;
    }
  }
  return overlaps;
}
