import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createWake } from "./wake.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start() {
  const sending: PromiseWithResolvers<void>[] = [];
  const errors: unknown[] = [];
  const wake = createWake(
    () => {
      const one = Promise.withResolvers<void>();
      sending.push(one);
      return one.promise;
    },
    (error) => errors.push(error),
  );
  return { wake, sending, errors };
}

describe("a wake", () => {
  it("is sent at once, and those that come meanwhile are one more", async () => {
    const { wake, sending } = start();
    wake();
    expect(sending).toHaveLength(1);
    for (let n = 0; n < 100; n++) wake();
    expect(sending).toHaveLength(1);
    sending[0]?.resolve();
    await vi.runAllTimersAsync();
    expect(sending).toHaveLength(2);
    sending[1]?.resolve();
    await vi.runAllTimersAsync();
    expect(sending).toHaveLength(2);
    wake();
    expect(sending).toHaveLength(3);
  });

  it("that fails is reported, and the next one is sent", async () => {
    const { wake, sending, errors } = start();
    wake();
    sending[0]?.reject(new Error("away"));
    await vi.runAllTimersAsync();
    expect(errors).toHaveLength(1);
    wake();
    expect(sending).toHaveLength(2);
  });

  it("is idle when the last one is sent", async () => {
    const { wake, sending } = start();
    wake();
    wake();
    let isIdle = false;
    void wake.idle().then(() => (isIdle = true));
    sending[0]?.resolve();
    await vi.advanceTimersByTimeAsync(10);
    expect(isIdle).toBe(false);
    sending[1]?.resolve();
    await vi.runAllTimersAsync();
    expect(isIdle).toBe(true);
  });
});
