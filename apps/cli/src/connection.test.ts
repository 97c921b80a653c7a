import { describe, expect, test } from "vitest";
import { resolveConnection } from "./connection.ts";
import { Failure } from "./failure.ts";

interface Given {
  readonly url?: string;
  readonly apiKey?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly developmentKey?: string;
  readonly developmentUrl?: string;
}

const resolve = ({ env = {}, developmentKey, developmentUrl, ...options }: Given) =>
  resolveConnection({
    options,
    env,
    developmentKey: () => developmentKey,
    developmentUrl: () => developmentUrl,
  });

test("takes an option before the environment, and the environment before the clone", () => {
  const env = {
    WEBHOOK_DELIVERY_URL: "https://env.example/hooks/",
    WEBHOOK_DELIVERY_API_KEY: "of-env",
  };
  const developmentKey = "of-clone";
  expect(resolve({ url: "http://option.example", apiKey: "of-option", env })).toEqual({
    url: "http://option.example",
    apiKey: "of-option",
  });
  expect(resolve({ env, developmentKey })).toEqual({
    url: "https://env.example/hooks",
    apiKey: "of-env",
  });
  expect(resolve({ developmentKey })).toEqual({
    url: "http://localhost:3000",
    apiKey: "of-clone",
  });
});

test("counts an empty variable as unset", () => {
  const env = { WEBHOOK_DELIVERY_URL: "", WEBHOOK_DELIVERY_API_KEY: "" };
  expect(resolve({ env, developmentKey: "of-clone" })).toEqual({
    url: "http://localhost:3000",
    apiKey: "of-clone",
  });
});

test.each(["http://127.0.0.1:4350", "http://192.168.1.5:3000"])(
  "finds the service that was started in this clone at %s, and gives it the clone's key",
  (developmentUrl) => {
    const ofClone = { developmentUrl, developmentKey: "of-clone" };
    expect(resolve(ofClone)).toEqual({ url: developmentUrl, apiKey: "of-clone" });
    expect(resolve({ ...ofClone, apiKey: "of-option" }).url).toBe(developmentUrl);
    const url = "http://localhost:4999";
    expect(resolve({ ...ofClone, url })).toEqual({ url, apiKey: "of-clone" });
    expect(() => resolve({ ...ofClone, url: "http://10.0.0.1:3000" })).toThrow("No API key.");
  },
);

describe("the key of the clone", () => {
  test.each(["http://localhost:4999", "http://127.0.0.1:3000", "http://[::1]:3000"])(
    "is used at %s",
    (url) => {
      expect(resolve({ url, developmentKey: "of-clone" }).apiKey).toBe("of-clone");
    },
  );

  test.each([
    "https://hooks.example.com",
    "http://10.0.0.1:3000",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
  ])("never leaves this machine for %s", (url) => {
    expect(() => resolve({ url, developmentKey: "of-clone" })).toThrow("No API key.");
  });
});

test.each(["localhost:3000", "ftp://example.com", "nowhere", "http://"])(
  "says how an address looks when it is given %s",
  (url) => {
    expect(() => resolve({ url, apiKey: "key" })).toThrow(
      "The service's address (--url, WEBHOOK_DELIVERY_URL) cannot be used: url must be absolute and begin with https:// or http://",
    );
  },
);

test("repeats neither a key nor a password, whatever is wrong with it", () => {
  for (const given of [
    { apiKey: "secret-thing\n" },
    { apiKey: "secret-thing ü" },
    { apiKey: "key", url: "http://secret-thing:secret-thing@localhost" },
    { apiKey: "key", url: "secret-thing" },
  ]) {
    let message = "";
    try {
      resolve(given);
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      ({ message } = error as Failure);
    }
    expect(message).not.toBe("");
    expect(message).not.toContain("secret-thing");
  }
});
