import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { throttle } from "./throttle.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("throttle", () => {
  it("tells the first of many, and again once the time has passed", () => {
    const told: number[] = [];
    const tell = throttle(1_000, (value: number) => told.push(value));
    tell(1);
    tell(2);
    vi.advanceTimersByTime(999);
    tell(3);
    vi.advanceTimersByTime(1);
    tell(4);
    tell(5);
    expect(told).toEqual([1, 4]);
  });

  it("counts the time from the last value it told, not from those it kept to itself", () => {
    const told: number[] = [];
    const tell = throttle(1_000, (value: number) => told.push(value));
    for (let second = 0; second < 50; second++) {
      tell(second);
      vi.advanceTimersByTime(300);
    }
    expect(told).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48]);
  });

  it("keeps each throttled function's time apart", () => {
    const told: string[] = [];
    const tellOne = throttle(1_000, (value: string) => told.push(value));
    const tellOther = throttle(1_000, (value: string) => told.push(value));
    tellOne("one");
    tellOther("other");
    expect(told).toEqual(["one", "other"]);
  });
});
