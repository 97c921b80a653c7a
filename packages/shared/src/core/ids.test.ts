import * as fc from "fast-check";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, it } from "vitest";
import { isUuid, smallestIdAt, timeOfId } from "./ids.ts";

const anyMoment = fc.date({
  min: new Date(0),
  max: new Date("9999-12-31T23:59:59.999Z"),
  noInvalidDate: true,
});

describe("isUuid", () => {
  it("takes UUIDs of any version in either case", () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(isUuid(id) && isUuid(id.toUpperCase())).toBe(true);
      }),
    );
  });

  it.each([
    "",
    "test-lead-id",
    "01890000-0000-7000-8000-00000000000",
    "01890000-0000-7000-8000-0000000000011",
    "0189000000007000800000000000000a",
    "{01890000-0000-7000-8000-00000000000a}",
    "01890000-0000-7000-8000-00000000000g",
    "01890000-0000-7000-8000-00000000000a\n",
    " 01890000-0000-7000-8000-00000000000a",
  ])("refuses %j", (text) => {
    expect(isUuid(text)).toBe(false);
  });
});

describe("smallestIdAt", () => {
  it("spells a moment as the smallest UUID of that millisecond", () => {
    // RFC 9562, appendix A.6: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00.
    const at = new Date("2022-02-22T19:22:22.000Z");
    expect(smallestIdAt(at)).toBe("017f22e2-79b0-0000-0000-000000000000");
  });

  it("is at or below every id made then and above every id made before", () => {
    fc.assert(
      fc.property(anyMoment, (at) => {
        const msecs = at.getTime();
        expect(smallestIdAt(at) <= uuidv7({ msecs })).toBe(true);
        expect(msecs === 0 || smallestIdAt(at) > uuidv7({ msecs: msecs - 1 })).toBe(true);
      }),
    );
  });

  it("stays a UUID for moments no id can have", () => {
    for (const at of [new Date(-1), new Date(8.64e15), new Date(-8.64e15)]) {
      expect(isUuid(smallestIdAt(at))).toBe(true);
    }
    expect(smallestIdAt(new Date(-1))).toBe("00000000-0000-0000-0000-000000000000");
    expect(smallestIdAt(new Date(8.64e15))).toBe("ffffffff-ffff-0000-0000-000000000000");
  });
});

describe("timeOfId", () => {
  it("tells when an id was made, to the millisecond", () => {
    fc.assert(
      fc.property(anyMoment, (at) => {
        expect(timeOfId(uuidv7({ msecs: at.getTime() }))).toEqual(at);
        expect(timeOfId(smallestIdAt(at))).toEqual(at);
      }),
    );
  });
});
