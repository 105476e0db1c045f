// Which addresses are public, and which only look so.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AddressKind, kindOfAddress } from "./address.ts";

const table: readonly (readonly [address: string, kind: AddressKind | null])[] = [
  ["8.8.8.8", null],
  ["1.1.1.1", null],
  ["2606:4700:4700::1111", null],
  ["::ffff:8.8.8.8", null],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["::1", "loopback"],
  ["0.0.0.0", "reserved"],
  ["::", "reserved"],
  ["10.0.0.1", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["172.32.0.1", null],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["169.254.1.1", "link-local"],
  ["169.254.169.254", "metadata"],
  ["fd00:ec2::254", "metadata"],
  ["100.100.100.200", "metadata"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local"],
  ["fc00::1", "private"],
  ["fd12:3456::1", "private"],
  ["ff02::1", "multicast"],
  ["224.0.0.1", "multicast"],
  ["255.255.255.255", "reserved"],
  ["198.18.0.1", "reserved"],
  ["2001:db8::1", "reserved"],
  ["2001::1", "reserved"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:7f00:1", "loopback"],
  ["::ffff:0:127.0.0.1", "loopback"],
  ["::127.0.0.1", "loopback"],
  ["64:ff9b::7f00:1", "loopback"],
  ["64:ff9b::a9fe:a9fe", "metadata"],
  ["2002:7f00:1::", "loopback"],
  ["2002:a00:1::1", "private"],
  ["2002:808:808::", "reserved"],
  ["64:ff9b::808:808", "reserved"],
  ["4000::1", "reserved"],
  ["nonsense", "reserved"],
  ["", "reserved"],
];

test("addresses are of the public Internet, or of what they belong to", () => {
  for (const [address, kind] of table) assert.equal(kindOfAddress(address), kind, address);
});

const octet = fc.nat(255);
const inside = fc.oneof(
  fc.tuple(fc.constant(127), octet, octet, octet),
  fc.tuple(fc.constant(10), octet, octet, octet),
  fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
);

test("what is not public is not public inside an IPv6 address, however it is written", () => {
  fc.assert(
    fc.property(inside, ([a, b, c, d]) => {
      const [high, low] = [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
      const forms = [
        `${a}.${b}.${c}.${d}`,
        `::ffff:${a}.${b}.${c}.${d}`,
        `::ffff:${high}:${low}`,
        `::${high}:${low}`,
        `64:ff9b::${high}:${low}`,
        `2002:${high}:${low}::1`,
        `0:0:0:0:0:ffff:${high}:${low}`,
      ];
      for (const form of forms) assert.notEqual(kindOfAddress(form), null, form);
    }),
    { numRuns: 500, seed: 4 },
  );
});
