import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskHeaders, readCustomHeaders } from "./custom-headers.ts";
import { DomainError } from "./errors.ts";

describe("custom headers", () => {
  it("are kept under lower-case names, without white space around their values", () => {
    expect(readCustomHeaders({ "X-Tenant": " 7 ", Authorization: "Bearer a b" })).toEqual({
      "x-tenant": "7",
      authorization: "Bearer a b",
    });
  });

  it("keep the value that a mask stands for", () => {
    const kept = { "x-one": "first", "x-two": "second" };
    expect(readCustomHeaders({ "X-One": "***", "x-three": "***" }, kept)).toEqual({
      "x-one": "first",
      "x-three": "***",
    });
  });

  it.each([
    "Host",
    "content-length",
    "Transfer-Encoding",
    "connection",
    "Content-Type",
    "user-agent",
    "expect",
    "webhook-id",
    "Webhook-Signature",
    "x-webhook-signature",
    "X-Webhook-Anything",
    "proxy-authorization",
  ])("cannot be %s", (name) => {
    expect(() => readCustomHeaders({ [name]: "1" })).toThrow("is set by the service itself");
  });

  it("never carry what would end a header, whatever is given", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })),
        (given) => {
          try {
            for (const [name, value] of Object.entries(readCustomHeaders(given))) {
              expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]+$/);
              expect(value).toMatch(/^[\t\x20-\x7e]*$/);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(DomainError);
            expect((error as DomainError).code).toBe("invalid_headers");
          }
        },
      ),
    );
  });

  it("do not show up in what is said of a bad value", () => {
    let said = "";
    try {
      readCustomHeaders({ "x-token": "hunter2\u0000" });
    } catch (error) {
      said = JSON.stringify(error) + String(error);
    }
    expect(said).toContain("x-token");
    expect(said).not.toContain("hunter2");
  });

  it("are bounded in number and size", () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`x-${n}`, "1"]));
    expect(() => readCustomHeaders(many)).toThrow("too many or too long");
    expect(() => readCustomHeaders({ "x-long": "x".repeat(8_192) })).toThrow(
      "too many or too long",
    );
    expect(Object.keys(readCustomHeaders({ "x-long": "x".repeat(8_000) }))).toEqual(["x-long"]);
  });

  it("are shown by name alone", () => {
    expect(maskHeaders(["x-one", "x-two"])).toEqual({ "x-one": "***", "x-two": "***" });
  });
});
