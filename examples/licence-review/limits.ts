// The bounds of a review: a tree from the internet may hold anything, so every loop and every read has a limit with a name.

/** Packages in one tree (5 MB of records). More is an error, not a shortened report: one that leaves some out would mislead. */
export const PACKAGES_MAX = 10_000;

/** Levels of `node_modules` inside `node_modules`. Real paths end loops of links; this ends honest depth. */
export const NESTING_MAX = 64;

/** Entries of one directory that are looked at. */
export const ENTRIES_MAX = 10_000;

/** Bytes of a manifest. */
export const MANIFEST_BYTES_MAX = 2 << 20;

/** Licence files read per package, in order of their weight. */
export const FILES_PER_PACKAGE_MAX = 20;

/** Bytes read of one licence file: the longest SPDX text has 46 kB, a list of notices may be far longer. */
export const LICENCE_FILE_BYTES_MAX = 256 << 10;

/** Bytes read of a README, which is searched for its licence section. */
export const README_BYTES_MAX = 128 << 10;

/** Words of one text that are compared. Protects the time per package. */
export const WORDS_MAX = 50_000;

/** Licences told apart in one text: lists of third-party notices repeat the same few. */
export const MATCHES_PER_TEXT_MAX = 40;

/** Candidates compared word by word with one stretch of text. */
export const CANDIDATES_MAX = 8;

/** Characters of a licence expression. */
export const EXPRESSION_LENGTH_MAX = 2_000;

/** Parentheses inside parentheses in a licence expression. */
export const EXPRESSION_DEPTH_MAX = 32;

/** Bytes of a policy file. */
export const POLICY_BYTES_MAX = 1 << 20;

/** Characters of a name or version that comes from a manifest. npm allows 214 for a name. */
export const NAME_LENGTH_MAX = 214;

/** Characters of foreign text quoted in a sentence of the report. */
export const QUOTE_LENGTH_MAX = 120;
