// The tree as an SPDX 2.3 document in JSON (https://spdx.github.io/spdx-spec/v2.3/): what is installed, under which
// licence, and what needs what. Pure; the namespace is made from the content, so equal content has one name.

import { createHash } from "node:crypto";
import { byText } from "./order.ts";
import type { Review } from "./review.ts";
import type { Need, NeedKind, Tree, TreePackage } from "./tree.ts";

const TOOL = "baton-licence-review-1.0.0";

interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo?: string;
  readonly downloadLocation: "NOASSERTION";
  readonly filesAnalyzed: false;
  readonly licenseDeclared: string;
  readonly licenseConcluded: string;
  readonly licenseComments?: string;
  readonly copyrightText: "NOASSERTION";
  readonly primaryPackagePurpose: "APPLICATION" | "LIBRARY";
  readonly externalRefs?: readonly { referenceCategory: "PACKAGE-MANAGER"; referenceType: "purl"; referenceLocator: string }[];
}

interface Relationship {
  readonly spdxElementId: string;
  readonly relationshipType: string;
  readonly relatedSpdxElement: string;
}

interface SbomInput {
  readonly asOf: string;
  readonly tree: Tree;
  readonly reviews: readonly Review[];
  readonly spdxListVersion: string;
}

const DOCUMENT = "SPDXRef-DOCUMENT";

export function sbomJson({ asOf, tree, reviews, spdxListVersion }: SbomInput): string {
  const byKey = new Map(reviews.map((review) => [review.key, review]));
  const ids = spdxIds(tree.packages);
  const packages = tree.packages.map((one) => spdxPackage(one, ids.get(one.key) ?? DOCUMENT, byKey.get(one.key)));
  const relationships = relationshipsOf(tree.packages, ids);
  const texts = extracted(packages);
  const root = tree.packages.find(({ kind }) => kind === "project");
  const name = root === undefined ? "project" : `${root.name}${root.version === "" ? "" : `@${root.version}`}`;
  const content = createHash("sha256")
    .update(JSON.stringify([asOf, packages, relationships, texts]))
    .digest("hex");
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: DOCUMENT,
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${slug(name)}-${content.slice(0, 32)}`,
    creationInfo: {
      created: asOf,
      creators: [`Tool: ${TOOL}`],
      ...(/^\d+\.\d+/.test(spdxListVersion) ? { licenseListVersion: spdxListVersion.split(".").slice(0, 2).join(".") } : {}),
    },
    packages,
    ...(texts.length === 0 ? {} : { hasExtractedLicensingInfos: texts }),
    relationships,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Letters, digits, `.` and `-` are all that an SPDX id may have, so different names can meet: those are numbered. */
function spdxIds(packages: readonly TreePackage[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const ids = new Map<string, string>();
  for (const { key } of packages) {
    const plain = `SPDXRef-Package-${slug(key)}`;
    let id = plain;
    for (let n = 2; taken.has(id); n++) id = `${plain}-${n}`;
    taken.add(id);
    ids.set(key, id);
  }
  return ids;
}

function slug(text: string): string {
  return text.replace(/[^A-Za-z0-9.]+/g, "-").replace(/^-+|-+$/g, "") || "unnamed";
}

function spdxPackage({ name, version, kind }: TreePackage, id: string, review: Review | undefined): SpdxPackage {
  const declared = review?.declaredExpression ?? unlicensed(review) ?? (review?.declared === "" ? "NONE" : "NOASSERTION");
  return {
    SPDXID: id,
    name,
    ...(version === "" ? {} : { versionInfo: version }),
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseDeclared: declared,
    licenseConcluded: review?.concluded ?? "NOASSERTION",
    ...(review === undefined ? {} : { licenseComments: `${review.outcome}: ${review.why}` }),
    copyrightText: "NOASSERTION",
    primaryPackagePurpose: kind === "project" ? "APPLICATION" : "LIBRARY",
    ...(version === ""
      ? {}
      : {
          externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl(name, version) }],
        }),
  };
}

const UNLICENSED_REF = "LicenseRef-UNLICENSED";

function unlicensed(review: Review | undefined): string | null {
  return review?.declared === "UNLICENSED" ? UNLICENSED_REF : null;
}

/** `pkg:npm/%40scope/name@1.0.0` (https://github.com/package-url/purl-spec). */
export function purl(name: string, version: string): string {
  return `pkg:npm/${name.split("/").map(encodeURIComponent).join("/")}@${encodeURIComponent(version)}`;
}

/** Every LicenseRef of the document must be explained in it. */
function extracted(packages: readonly SpdxPackage[]) {
  const refs = packages.flatMap(
    ({ licenseDeclared, licenseConcluded }) =>
      `${licenseDeclared} ${licenseConcluded}`.match(/(?<![:\w-])LicenseRef-[A-Za-z0-9.-]+/g) ?? [],
  );
  return [...new Set(refs)].toSorted(byText).map((licenseId) => ({
    licenseId,
    name: licenseId.slice("LicenseRef-".length),
    extractedText:
      licenseId === UNLICENSED_REF
        ? "The manifest says UNLICENSED: all rights reserved."
        : "Named in the manifest; its text is in the package.",
  }));
}

function relationshipsOf(packages: readonly TreePackage[], ids: ReadonlyMap<string, string>): Relationship[] {
  const id = (key: string): string => ids.get(key) ?? DOCUMENT;
  const root = packages.find(({ kind }) => kind === "project");
  const workspaces = packages.filter(({ kind }) => kind === "workspace");
  return [
    ...(root === undefined ? [] : [relate(DOCUMENT, "DESCRIBES", id(root.key))]),
    ...workspaces.map((one) => relate(DOCUMENT, "DESCRIBES", id(one.key))),
    ...packages.flatMap(({ key, needs }) => needs.map((need) => relationOf(id(key), need, id(need.to)))),
  ];
}

/** `A DEPENDS_ON B`, but `B DEV_DEPENDENCY_OF A`: SPDX names the kinds from the other side. */
function relationOf(from: string, { kind }: Need, to: string): Relationship {
  const reversed: Partial<Record<NeedKind, string>> = {
    development: "DEV_DEPENDENCY_OF",
    optional: "OPTIONAL_DEPENDENCY_OF",
    peer: "PROVIDED_DEPENDENCY_OF",
  };
  const type = reversed[kind];
  return type === undefined ? relate(from, "DEPENDS_ON", to) : relate(to, type, from);
}

function relate(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): Relationship {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
