import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { parseCidr } from "../core/address.ts";
import { firstToConnect } from "./first-to-connect.ts";
import { startFullQueue } from "./full-queue.fixture.ts";
import { httpAnswer, startReceiver } from "./raw-receiver.fixture.ts";
import { createSender } from "./sender.ts";

/** What becomes of each address is up to the test. */
function race(addresses: readonly string[], staggerMs = 1) {
  const tries = new Map<string, PromiseWithResolvers<string> & { readonly signal: AbortSignal }>();
  const order: string[] = [];
  const discarded: string[] = [];
  const attempt = new AbortController();
  const won = firstToConnect({
    addresses: addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    staggerMs,
    signal: attempt.signal,
    open: (address, signal) => {
      order.push(address);
      const one = { ...Promise.withResolvers<string>(), signal };
      tries.set(address, one);
      signal.addEventListener("abort", () => one.reject(new Error("aborted")));
      return one.promise;
    },
    discard: (connection) => void discarded.push(connection),
    endsAll: (error) => error instanceof RangeError,
  });
  const of = (address: string) => tries.get(address) ?? Promise.reject(new Error("not tried"));
  const tried = async (address: string) => {
    await expect.poll(() => tries.has(address)).toBe(true);
    return await of(address);
  };
  return { won, order, discarded, attempt, tried };
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const NEVER_MS = 1_000_000;

describe("of several addresses", () => {
  it("a slow one is not given up: the next start beside it, and it may still win", async () => {
    const { won, order, tried } = race(["1.1.1.1", "2.2.2.2", "3.3.3.3"]);
    const last = await tried("3.3.3.3");
    const first = await tried("1.1.1.1");
    expect(first.signal.aborted).toBe(false);
    first.resolve("first");
    expect(await won).toBe("first");
    expect(order).toEqual(["1.1.1.1", "2.2.2.2", "3.3.3.3"]);
    expect(last.signal.aborted).toBe(true);
  });

  it("the families take turns, beginning with the resolver's choice", async () => {
    const { order, tried } = race(["::1", "::2", "::3", "1.1.1.1", "2.2.2.2", "::1"]);
    (await tried("::3")).resolve("won");
    expect(order).toEqual(["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]);
  });

  it("the next one starts at once when one fails, and not before without a reason", async () => {
    const { won, order, tried } = race(["1.1.1.1", "2.2.2.2", "3.3.3.3"], NEVER_MS);
    (await tried("1.1.1.1")).reject(failure("ECONNREFUSED"));
    (await tried("2.2.2.2")).resolve("second");
    expect(await won).toBe("second");
    expect(order).toEqual(["1.1.1.1", "2.2.2.2"]);
  });

  it("all must fail, and what is told is not that one has no way there", async () => {
    const { won, tried } = race(["::1", "1.1.1.1", "::2"], NEVER_MS);
    const failed = expect(won).rejects.toMatchObject({ code: "ECONNREFUSED" });
    (await tried("::1")).reject(failure("ENETUNREACH"));
    (await tried("1.1.1.1")).reject(failure("ECONNREFUSED"));
    (await tried("::2")).reject(failure("EHOSTUNREACH"));
    await failed;
  });

  it("a failure that concerns all ends it", async () => {
    const { won, order, tried } = race(["1.1.1.1", "2.2.2.2"], NEVER_MS);
    (await tried("1.1.1.1")).reject(new RangeError("all"));
    await expect(won).rejects.toThrow("all");
    expect(order).toEqual(["1.1.1.1"]);
  });

  it("everything stops with the attempt", async () => {
    const { won, tried, attempt } = race(["1.1.1.1", "2.2.2.2", "3.3.3.3"]);
    const second = await tried("2.2.2.2");
    attempt.abort(new Error("time is over"));
    await expect(won).rejects.toThrow("time is over");
    expect(second.signal.aborted).toBe(true);
  });

  it("a second connection is closed", async () => {
    const { won, tried, discarded } = race(["1.1.1.1", "2.2.2.2"]);
    const second = await tried("2.2.2.2");
    (await tried("1.1.1.1")).resolve("first");
    second.resolve("second");
    expect(await won).toBe("first");
    await expect.poll(() => discarded).toEqual(["second"]);
  });
});

/**
 * Met in the field: a container without IPv6 egress, and a receiver whose SYN was answered after a
 * second. Node gave each address 250 ms, so that every attempt failed as `network` in half a second, with
 * ten allowed.
 */
describe("a sender", () => {
  const sender = createSender({
    allowedCidrs: ["127.0.0.0/8"].flatMap((text) => parseCidr(text) ?? []),
    requireHttps: false,
    responseBodyLimit: 1_000,
    resolve: () => Promise.resolve([{ address: "127.0.0.2" }, { address: "127.0.0.3" }]),
  });
  afterAll(() => sender.close());
  const send = (port: number) =>
    sender.send({
      url: `http://hooks.example.com:${port}/`,
      headers: {},
      body: "{}",
      timeoutMs: 20_000,
    });

  it("reaches a receiver that is slow to take the connection beside an address that is dead", async () => {
    await using slow = await startFullQueue({ host: "127.0.0.2" });
    await using _dead = await startFullQueue({ host: "127.0.0.3", port: slow.port });
    const sending = send(slow.port);
    await delay(400);
    slow.open();
    expect(await sending).toMatchObject({ kind: "response", status: 200, body: "late" });
  });

  it("reaches the second address when the first says nothing", async () => {
    await using dead = await startFullQueue({ host: "127.0.0.2" });
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")), {
      host: "127.0.0.3",
      port: dead.port,
    });
    expect(await send(receiver.port)).toMatchObject({ kind: "response", status: 200 });
  });
});
