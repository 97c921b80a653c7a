import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AddressVerdict,
  type Cidr,
  isDeliverable,
  judgeAddress,
  parseCidr,
} from "./address.ts";

function cidrs(...texts: readonly string[]): Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(`not a CIDR: ${text}`);
    return cidr;
  });
}

const VERDICTS: readonly [AddressVerdict, ...string[]][] = [
  ["public", "1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0"],
  ["public", "100.63.255.255", "100.128.0.0", "223.255.255.255", "198.17.255.255", "198.20.0.0"],
  ["public", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "2001:200::1", "3ffe::1"],
  ["unspecified", "0.0.0.0", "0.1.2.3", "0.255.255.255", "::", "0:0:0:0:0:0:0:0"],
  ["loopback", "127.0.0.1", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"],
  ["private", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
  ["link_local", "169.254.0.1", "fe80::1", "febf::1"],
  ["cloud_metadata", "169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200"],
  ["carrier_nat", "100.64.0.1", "100.127.255.255"],
  ["multicast", "224.0.0.1", "239.255.255.255", "ff02::1"],
  ["broadcast", "255.255.255.255"],
  ["documentation", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
  ["benchmarking", "198.18.0.1", "198.19.255.255", "2001:2::1"],
  ["reserved", "240.0.0.1", "192.0.0.1", "2001:20::1", "5f00::1", "100::1", "4000::1", "e000::1"],
  ["unique_local", "fc00::1", "fdff:ffff::1"],
  ["site_local", "fec0::1", "feff::1"],
  ["v4_mapped", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0:127.0.0.1"],
  ["v4_compatible", "::127.0.0.1", "::8.8.8.8", "::2"],
  ["nat64", "64:ff9b::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1"],
  ["six_to_four", "2002:7f00:1::", "2002:808:808::1", "192.88.99.1"],
  ["teredo", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  ["unparseable", "", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "1.2.3.4."],
  ["unparseable", "[::1]", "fe80::1%eth0", "2606:4700::1%0", " 1.1.1.1", "1.1.1.1\n", "::1::"],
];

describe("judgeAddress", () => {
  it.each(VERDICTS.flatMap(([verdict, ...all]) => all.map((address) => ({ address, verdict }))))(
    "calls $address $verdict",
    ({ address, verdict }) => {
      expect(judgeAddress(address, [])).toBe(verdict);
      expect(isDeliverable(judgeAddress(address, []))).toBe(verdict === "public");
    },
  );

  it("opens exactly the addresses that an allowed block names", () => {
    const allowed = cidrs("127.0.0.0/8", "10.1.2.0/23", "fd12::/16");
    expect(judgeAddress("127.9.9.9", allowed)).toBe("allowed");
    expect(judgeAddress("10.1.3.255", allowed)).toBe("allowed");
    expect(judgeAddress("fd12:3::4", allowed)).toBe("allowed");
    expect(judgeAddress("10.1.4.0", allowed)).toBe("private");
    expect(judgeAddress("10.1.1.255", allowed)).toBe("private");
    expect(judgeAddress("fd13::1", allowed)).toBe("unique_local");
    expect(judgeAddress("::1", allowed)).toBe("loopback");
    expect(judgeAddress("1.1.1.1", allowed)).toBe("public");
  });

  it("keeps IPv6 forms of an IPv4 address shut when only the IPv4 block is open", () => {
    const allowed = cidrs("127.0.0.0/8");
    expect(judgeAddress("::ffff:127.0.0.1", allowed)).toBe("v4_mapped");
    expect(judgeAddress("::127.0.0.1", allowed)).toBe("v4_compatible");
    expect(judgeAddress("64:ff9b::127.0.0.1", allowed)).toBe("nat64");
  });

  it("judges an opened translation prefix by the IPv4 address inside", () => {
    const nat64 = cidrs("64:ff9b::/96", "::ffff:0:0/96", "2002::/16");
    expect(judgeAddress("64:ff9b::8.8.8.8", nat64)).toBe("allowed");
    expect(judgeAddress("64:ff9b::10.0.0.1", nat64)).toBe("private");
    expect(judgeAddress("::ffff:169.254.169.254", nat64)).toBe("cloud_metadata");
    expect(judgeAddress("2002:7f00:1::", nat64)).toBe("loopback");
    expect(judgeAddress("::ffff:10.0.0.1", [...nat64, ...cidrs("10.0.0.0/8")])).toBe("allowed");
  });

  it("never throws and never delivers to what is not an address", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const verdict = judgeAddress(text, []);
        expect(verdict === "unparseable" || /^[0-9a-f:.]+$/i.test(text)).toBe(true);
      }),
    );
  });

  it("gives every spelling of an IPv6 address the same verdict", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((group) => group.toString(16).padStart(4, "0")).join(":");
        const canonical = new URL(`http://[${full}]/`).hostname.slice(1, -1);
        expect(judgeAddress(full.toUpperCase(), [])).toBe(judgeAddress(canonical, []));
      }),
    );
  });

  it("calls no IPv6 address outside 2000::/3 public", () => {
    const outside = fc.tuple(
      fc.nat(0xffff).filter((first) => first >> 13 !== 1),
      fc.array(fc.nat(0xffff), { minLength: 7, maxLength: 7 }),
    );
    fc.assert(
      fc.property(outside, ([first, rest]) => {
        const address = [first, ...rest].map((group) => group.toString(16)).join(":");
        expect(judgeAddress(address, [])).not.toBe("public");
      }),
    );
  });

  it("opens an address through a block exactly when their leading bits agree", () => {
    const block = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 }));
    fc.assert(
      fc.property(block, fc.nat(0xff_ffff), ([start, prefixBits], low) => {
        const mask = (0xffff_ffff << (32 - prefixBits)) >>> 0;
        const cidr = parseCidr(`${toText((toNumber(start) & mask) >>> 0)}/${prefixBits}`);
        const address = 0x0a00_0000 + low;
        const isInside = ((address ^ toNumber(start)) & mask) === 0;
        expect(judgeAddress(toText(address), cidr === undefined ? [] : [cidr])).toBe(
          isInside ? "allowed" : "private",
        );
      }),
    );
  });
});

describe("parseCidr", () => {
  it.each(["10.0.0.0/8", "0.0.0.0/0", "::/0", "::1/128", "fd00::/8", "192.168.1.7", "::1"])(
    "reads %s",
    (text) => expect(parseCidr(text)?.text).toBe(text),
  );

  it.each(["", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8"])(
    "refuses %j",
    (text) => expect(parseCidr(text)).toBeUndefined(),
  );

  it("refuses a block with bits set behind its prefix", () => {
    expect(parseCidr("10.0.0.1/8")).toBeUndefined();
    expect(parseCidr("fd00::1/64")).toBeUndefined();
  });
});

function toNumber(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}
