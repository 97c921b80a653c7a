import { describe, expect, it } from "vitest";
import { createHeaderBudget } from "./header-budget.ts";

const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
const FINAL = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";

/** In one piece and byte by byte, which must come to the same. */
function fits(...texts: readonly string[]): boolean {
  const whole = createHeaderBudget();
  const split = createHeaderBudget();
  const bytes = Buffer.from(texts.join(""));
  const inOnePiece = whole.spend(bytes);
  const byByte = [...bytes].every((byte) => split.spend(Uint8Array.of(byte)));
  expect(byByte).toBe(inOnePiece);
  return inOnePiece;
}

describe("the header budget", () => {
  it("lets an answer pass, however long its body is and however many lines it has", () => {
    expect(fits(FINAL, "\n".repeat(100_000))).toBe(true);
    expect(fits(HINTS, HINTS, FINAL, "x\r\n".repeat(30_000))).toBe(true);
    expect(fits("\r\n\r\n", FINAL, "x\n".repeat(30_000))).toBe(true);
    expect(fits("HTTP/1.1 200 OK\n\n", "x\n".repeat(30_000))).toBe(true);
  });

  it("is overdrawn by too many headers, hints, blank lines or bytes before the answer", () => {
    expect(fits("HTTP/1.1 200 OK\r\n", "a:\r\n".repeat(600))).toBe(false);
    expect(fits(HINTS, "HTTP/1.1 200 OK\r\n", "a:\r\n".repeat(600))).toBe(false);
    expect(fits(HINTS.repeat(200))).toBe(false);
    expect(fits("\r\n".repeat(600))).toBe(false);
    expect(fits("HTTP/1.1 200 ", "a".repeat(70_000))).toBe(false);
    expect(fits("HTTP/1.1  103 two spaces\r\n\r\n".repeat(300))).toBe(false);
  });

  it("begins anew with the next answer on the connection", () => {
    const budget = createHeaderBudget();
    const headers = Buffer.from(`HTTP/1.1 200 OK\r\n${"a:\r\n".repeat(400)}`);
    expect(budget.spend(headers)).toBe(true);
    budget.reset();
    expect(budget.spend(headers)).toBe(true);
    expect(budget.spend(headers)).toBe(false);
  });
});
