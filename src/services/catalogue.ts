// The catalogue: kinds of services that are known, in the order in which they are recognised.

import { ANTHROPIC } from "./catalogue-anthropic.ts";
import { AUTOMATIC1111 } from "./catalogue-automatic1111.ts";
import { CHROMA } from "./catalogue-chroma.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import { OLLAMA } from "./catalogue-ollama.ts";
import { OPENAI_SPEAKING } from "./catalogue-openai.ts";
import { QDRANT } from "./catalogue-qdrant.ts";

export const CATALOGUE: ReadonlyMap<string, CatalogueEntry> = new Map(
  [OLLAMA, QDRANT, CHROMA, AUTOMATIC1111, ANTHROPIC, ...OPENAI_SPEAKING].map((entry) => [entry.id, entry]),
);
