import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDeliverable, judgeAddress, parseCidr } from "./address.ts";
import {
  type DestinationRules,
  hostOf,
  judgeDestination,
  maskUrl,
  parseDestination,
} from "./destination-url.ts";
import { DomainError } from "./errors.ts";

function rules(...blocks: readonly string[]): DestinationRules {
  return { requireHttps: false, allowedCidrs: blocks.flatMap((text) => parseCidr(text) ?? []) };
}

const CLOSED = rules();
const DEVELOPMENT = rules("127.0.0.0/8", "::1/128");

function verdictOn(text: string, under = CLOSED): string {
  const judgement = judgeDestination(text, under);
  return judgement.isRefused ? judgement.verdict : judgement.url.href;
}

describe("parseDestination", () => {
  it.each([
    ["https://hooks.example.com/a?b=c", "https://hooks.example.com/a?b=c"],
    ["HTTP://EXAMPLE.com:80", "http://example.com/"],
    ["https://example.com:8443/x#fragment", "https://example.com:8443/x"],
    ["https://example.com./x", "https://example.com/x"],
    ["https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"],
    ["http://1.1.1.1/", "http://1.1.1.1/"],
    ["http://[2606:4700:4700::1111]/", "http://[2606:4700:4700::1111]/"],
    ["https://nowhere.invalid/", "https://nowhere.invalid/"],
    ["https://under_score.example.com/", "https://under_score.example.com/"],
  ])("accepts %s as %s", (text, href) => expect(parseDestination(text, CLOSED).href).toBe(href));

  it.each([
    ["loopback", "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/"],
    ["loopback", "http://0177.0.0.1/", "http://0x7f000001/", "http://127.0.0.1./", "http://[::1]/"],
    ["loopback", "http://１２７.0.0.1/", "http://127。0。0。1/", "http://%31%32%37.0.0.1/"],
    ["unspecified", "http://0/", "http://0.0.0.0:3000/", "http://[::]/"],
    ["private", "http://10.0.0.1/", "http://192.168.1/", "http://0xa000001/"],
    [
      "cloud_metadata",
      "http://169.254.169.254/latest",
      "http://0xa9fea9fe/",
      "http://[fd00:ec2::254]",
    ],
    ["v4_mapped", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"],
    ["nat64", "http://[64:ff9b::7f00:1]/"],
    ["local_name", "http://localhost/", "http://LOCALHOST.:3000/", "http://a.b.localhost/"],
    [
      "local_name",
      "http://printer.local/",
      "http://metadata.google.internal/",
      "http://redis:6379/",
    ],
    ["local_name", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://router.home.arpa/", "http://app.lan./"],
    ["bad_scheme", "ftp://example.com/", "javascript:alert(1)", "file:///etc/passwd"],
    ["malformed_url", "", "example.com", "http://", "http:///example.com", "http:example.com"],
    ["malformed_url", "https:\\\\example.com", "http://[::1", "http://1.2.3.4.5/", "http://a%00b/"],
    ["malformed_url", " https://example.com", "https://exa\tmple.com", "https://example.com/\n"],
    [
      "malformed_url",
      "https://example.com/a b",
      "https://example.com/\u0000",
      "http://x.com/\ud800",
    ],
    ["malformed_url", "http://[fe80::1%25eth0]/", "http://example.com:65536/", "http://?x"],
    [
      "credentials_in_url",
      "https://user@example.com/",
      "https://u:p@example.com",
      "https://:p@a.com",
    ],
    ["credentials_in_url", "https://example.com@127.0.0.1/"],
    ["bad_port", "http://example.com:0/"],
    ["bad_host_name", "http://example..com/", "http://a.com../", `http://${"a".repeat(64)}.com/`],
    ["bad_host_name", `http://${"a.".repeat(130)}com/`, "http://a!b.com/", "http://./"],
    ["url_too_long", `http://example.com/${"a".repeat(2_048)}`, `http://a.com/${"é".repeat(400)}`],
    ["url_too_long", `http://example.com/${"a/../".repeat(10_000)}`],
  ])("finds %s in each of %j", (verdict, ...texts) => {
    expect(texts.map((text) => verdictOn(text))).toEqual(texts.map(() => verdict));
  });

  it("wants https where https is required", () => {
    const strict = { ...DEVELOPMENT, requireHttps: true };
    expect(verdictOn("http://example.com/", strict)).toBe("https_required");
    expect(verdictOn("https://example.com/", strict)).toBe("https://example.com/");
  });

  it("accepts localhost as soon as one loopback address is open", () => {
    for (const open of [DEVELOPMENT, rules("127.0.0.0/8"), rules("::1")]) {
      expect(verdictOn("http://localhost:4000/hook", open)).toBe("http://localhost:4000/hook");
    }
    expect(verdictOn("http://localhost/", rules("10.0.0.0/8"))).toBe("local_name");
  });

  it("leaves other local names shut until more than loopback is open", () => {
    expect(verdictOn("http://metadata.google.internal/", DEVELOPMENT)).toBe("local_name");
    expect(verdictOn("http://receiver:4000/", DEVELOPMENT)).toBe("local_name");
    expect(verdictOn("http://receiver:4000/", rules("172.16.0.0/12"))).toBe(
      "http://receiver:4000/",
    );
  });

  it("throws a DomainError that tells a bad URL from a refused address and names the field", () => {
    expect(errorOf("ftp://example.com")).toMatchObject({
      code: "invalid_url",
      details: [{ field: "body.webhookUrl" }],
    });
    expect(errorOf("http://10.0.0.1/")).toMatchObject({ code: "address_refused" });
    expect(errorOf("http://localhost/", "body.url")).toMatchObject({
      code: "address_refused",
      details: [{ field: "body.url" }],
    });
  });

  it("never quotes the URL in an error", () => {
    const error = errorOf("https://user:hunter2@example.com/?token=hunter3");
    expect(JSON.stringify([error.message, error.details])).not.toContain("hunter");
  });

  it("lets no text through whose address is not public, and what passes once passes unchanged again", () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6().map((address) => `[${address}]`),
      fc.domain(),
      fc.string({ unit: "binary", maxLength: 20 }),
    );
    const scheme = fc.constantFrom("http://", "https://", "HTTP:/", "ftp://", "http://a@", "");
    const check = (): void =>
      fc.assert(
        fc.property(
          scheme,
          host,
          fc.constantFrom("", ".", ":0", ":80", "/x"),
          (before, name, after) => {
            const judgement = judgeDestination(before + name + after, CLOSED);
            if (judgement.isRefused) return true;
            const { url } = judgement;
            const verdict = judgeAddress(hostOf(url), []);
            const isHarmless = isDeliverable(verdict) || verdict === "unparseable";
            const isPlain = url.username + url.password + url.hash === "" && url.port !== "0";
            return isHarmless && isPlain && parseDestination(url.href, CLOSED).href === url.href;
          },
        ),
        { numRuns: 2_000 },
      );
    expect(check).not.toThrow();
  });
});

describe("maskUrl", () => {
  it.each([
    ["https://example.com/a?token=x", "https://example.com/a?***"],
    ["https://u:p@example.com:8443/a", "https://***@example.com:8443/a"],
    ["https://example.com/a#secret", "https://example.com/a"],
    ["https://example.com", "https://example.com/"],
    ["not a url?token=x", "***"],
    ["data:text/plain,secret", "***"],
  ])("shows %s as %s", (url, shown) => expect(maskUrl(url)).toBe(shown));

  it("never throws and never shows a query string", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.string(), (url, text) => {
        expect(maskUrl(url)).not.toMatch(/\?(?!\*\*\*$)/);
        expect(() => maskUrl(text)).not.toThrow();
      }),
    );
  });
});

function errorOf(text: string, field?: string): DomainError {
  try {
    parseDestination(text, field === undefined ? CLOSED : { ...CLOSED, field });
  } catch (error) {
    if (error instanceof DomainError) return error;
  }
  throw new Error("expected a DomainError");
}
