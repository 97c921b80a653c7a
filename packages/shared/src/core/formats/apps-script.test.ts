import { describe, expect, it } from "vitest";
import { readAnswer } from "./registry.ts";

const ECHO =
  "https://script.googleusercontent.com/macros/echo?user_content_key=AWDtjMW8w5z-2Yb&lib=MnB5Z0Jd1x";
const SCRIPT = "https://script.google.com/macros/s/AKfycbx0/exec";

function reading(location: string | undefined, url = SCRIPT, status = 302) {
  const headers = location === undefined ? {} : { location };
  const answered = { format: "standard", url, isEndpoint: true } as const;
  return readAnswer({ status, headers, body: "<HTML>Moved Temporarily</HTML>" }, answered);
}

describe("a redirect of Google Apps Script", () => {
  it.each([
    SCRIPT,
    `${SCRIPT}?key=1`,
    "https://script.google.com/a/macros/example.com/s/AKfycbx0/exec",
    "https://script.google.com./macros/s/AKfycbx0/exec",
  ])("to its echo page says that %s has it", (url) => {
    expect(reading(ECHO, url)).toMatchObject({ isDelivered: true });
  });

  it("says so to an endpoint and to a single delivery, in any format", () => {
    const answer = { status: 302, headers: { location: ECHO }, body: "" };
    for (const format of ["standard", "raw", "make", "zapier"] as const) {
      for (const isEndpoint of [true, false]) {
        const answered = { format, url: SCRIPT, isEndpoint };
        expect(readAnswer(answer, answered)).toMatchObject({ isDelivered: true });
      }
    }
  });

  it.each([
    undefined,
    "",
    "/macros/echo",
    "https://accounts.google.com/ServiceLogin?continue=https://script.googleusercontent.com/macros/echo",
    "https://script.google.com/macros/s/AKfycby1/exec",
    "http://script.googleusercontent.com/macros/echo?user_content_key=1",
    "https://script.googleusercontent.com/macros/echo/../other",
    "https://script.googleusercontent.com.example.com/macros/echo",
    "https://script.googleusercontent.com@example.com/macros/echo",
  ])("to %j does not", (location) => {
    expect(reading(location)).toBeUndefined();
  });

  it("of anybody else does not, nor does another status", () => {
    expect(reading(ECHO, "https://script.google.com.example.com/macros/s/A/exec")).toBeUndefined();
    expect(reading(ECHO, "https://example.com/exec")).toBeUndefined();
    for (const status of [301, 303, 307, 404])
      expect(reading(ECHO, SCRIPT, status)).toBeUndefined();
  });
});
