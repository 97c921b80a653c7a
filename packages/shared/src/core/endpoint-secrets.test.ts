import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  firstSecret,
  rotate,
  rotationEndsAt,
  signingSecrets,
  spellSecret,
} from "./endpoint-secrets.ts";
import { keyBytes } from "./signing.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");
const DAY_MS = 86_400_000;
const at = (ms: number): Date => new Date(NOW.getTime() + ms);

describe("a rotation", () => {
  const rotated = rotate(firstSecret("old"), { secret: "new", now: NOW, graceMs: DAY_MS });

  it("puts the new secret first and lets the old one sign beside it until the grace ends", () => {
    expect(signingSecrets(rotated, NOW)).toEqual(["new", "old"]);
    expect(signingSecrets(rotated, at(DAY_MS - 1))).toEqual(["new", "old"]);
    expect(signingSecrets(rotated, at(DAY_MS))).toEqual(["new"]);
    expect(rotationEndsAt(rotated)).toEqual(at(DAY_MS));
  });

  it("without grace ends the old secret at once", () => {
    const now = rotate(rotated, { secret: "newest", now: NOW, graceMs: 0 });
    expect(signingSecrets(now, NOW)).toEqual(["newest"]);
    expect(rotationEndsAt(now)).toBeNull();
  });

  it("prolongs no older secret", () => {
    const twice = rotate(rotated, { secret: "newest", now: at(1_000), graceMs: 2 * DAY_MS });
    expect(signingSecrets(twice, at(DAY_MS - 1))).toEqual(["newest", "new", "old"]);
    expect(signingSecrets(twice, at(DAY_MS))).toEqual(["newest", "new"]);
  });

  it("to the secret that signs already changes nothing", () => {
    expect(rotate(firstSecret("same"), { secret: "same", now: NOW, graceMs: DAY_MS })).toEqual(
      firstSecret("same"),
    );
  });

  it("again and again keeps five secrets at most, the newest of them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (times) => {
        let secrets = firstSecret("s0");
        for (let n = 1; n <= times; n++) {
          secrets = rotate(secrets, { secret: `s${n}`, now: at(n), graceMs: DAY_MS });
        }
        const expected = Array.from({ length: Math.min(5, times + 1) }, (_, n) => `s${times - n}`);
        expect(signingSecrets(secrets, at(times))).toEqual(expected);
      }),
    );
  });
});

describe("a new secret", () => {
  it("is spelled as Standard Webhooks wants it and is all of its random bytes", () => {
    const bytes = Buffer.alloc(32, 7);
    expect(spellSecret(bytes)).toMatch(/^whsec_/);
    expect(keyBytes(spellSecret(bytes))?.equals(bytes)).toBe(true);
  });
});
