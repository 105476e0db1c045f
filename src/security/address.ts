// Which addresses are of the public Internet. All others belong to this machine, its networks, or nobody.
//
// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries; the metadata services of the clouds.

import { BlockList, isIP } from "node:net";

/** Why an address is not public; null when it is. */
export type AddressKind = "loopback" | "private" | "link-local" | "metadata" | "multicast" | "reserved";

const RANGES_V4: readonly (readonly [network: string, bits: number, kind: AddressKind])[] = [
  ["0.0.0.0", 8, "reserved"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "private"], // carrier-grade NAT
  ["127.0.0.0", 8, "loopback"],
  ["169.254.0.0", 16, "link-local"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "reserved"],
  ["192.0.2.0", 24, "reserved"],
  ["192.88.99.0", 24, "reserved"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "reserved"],
  ["198.51.100.0", 24, "reserved"],
  ["203.0.113.0", 24, "reserved"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
];

const RANGES_V6: readonly (readonly [network: string, bits: number, kind: AddressKind])[] = [
  ["::", 128, "reserved"],
  ["::1", 128, "loopback"],
  ["fe80::", 10, "link-local"],
  ["fec0::", 10, "private"],
  ["fc00::", 7, "private"],
  ["ff00::", 8, "multicast"],
  ["100::", 64, "reserved"],
  ["2001::", 23, "reserved"], // Teredo, benchmarking, ORCHID and other protocols
  ["2001:db8::", 32, "reserved"],
  ["3fff::", 20, "reserved"],
  ["5f00::", 16, "reserved"],
];

/** Where clouds keep the credentials of their machines. */
const METADATA = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
]);

/** Names under which they are known. */
export const METADATA_NAMES = new Set([
  "metadata.google.internal",
  "metadata.goog",
  "metadata",
  "instance-data",
  "instance-data.ec2.internal",
]);

const blocks: readonly (readonly [BlockList, "ipv4" | "ipv6", AddressKind])[] = [
  ...RANGES_V4.map(([network, bits, kind]) => [blockOf(network, bits, "ipv4"), "ipv4", kind] as const),
  ...RANGES_V6.map(([network, bits, kind]) => [blockOf(network, bits, "ipv6"), "ipv6", kind] as const),
];

function blockOf(network: string, bits: number, family: "ipv4" | "ipv6"): BlockList {
  const block = new BlockList();
  block.addSubnet(network, bits, family);
  return block;
}

const metadata = new BlockList();
for (const address of METADATA) metadata.addAddress(address, isIP(address) === 4 ? "ipv4" : "ipv6");

/** Addresses that are classified already: the same few come again and again. */
const known = new Map<string, AddressKind | null>();

const KNOWN_MAX = 1_000;

/** Classifies an address as text; one that carries another inside (mapped, NAT64, 6to4) is what is inside. */
export function kindOfAddress(written: string): AddressKind | null {
  const found = known.get(written);
  if (found !== undefined) return found;
  const kind = classified(written);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(written, kind);
  return kind;
}

function classified(written: string): AddressKind | null {
  const address = written.replace(/%.*$/, "");
  const family = isIP(address);
  if (family === 0) return "reserved";
  const inner = family === 6 ? embedded(address) : null;
  if (inner !== null) return kindOfAddress(inner) ?? (address.startsWith("::ffff:") ? null : "reserved");
  const name = family === 4 ? "ipv4" : "ipv6";
  if (metadata.check(address, name)) return "metadata";
  const found = blocks.find(([block, of]) => of === name && block.check(address, name));
  if (found !== undefined) return found[2];
  return family === 6 && !isGlobal(address) ? "reserved" : null;
}

/** Only 2000::/3 is given out. */
function isGlobal(address: string): boolean {
  const first = groupsOf(address)[0] ?? 0;
  return first >= 0x2000 && first <= 0x3fff;
}

/** The IPv4 address inside an IPv6 one. */
function embedded(address: string): string | null {
  const groups = groupsOf(address);
  const v4 = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join(".");
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const isZero = a === 0 && b === 0 && c === 0 && d === 0;
  if (isZero && e === 0 && f === 0xffff) return v4(g, h); // ::ffff:0:0/96, mapped
  if (isZero && e === 0xffff && f === 0) return v4(g, h); // ::ffff:0:0:0/96, translated
  if (isZero && e === 0 && f === 0 && (g !== 0 || h > 1)) return v4(g, h); // ::/96, compatible
  if (a === 0x64 && b === 0xff9b) return v4(g, h); // 64:ff9b::/96 and 64:ff9b:1::/48, NAT64
  if (a === 0x2002) return v4(b, c); // 6to4
  return null;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const [high, low] = [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)];
    return `${high.toString(16)}:${low.toString(16)}`;
  });
  const [before = "", after] = plain.split("::");
  const read = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [first, last] = [read(before), after === undefined ? [] : read(after)];
  return after === undefined ? first : [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}
