import { describe, expect, it } from "vitest";
import { createAnswerHead } from "./answer-head.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const FINAL = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";

/** What is handed on of pieces of each size, which must be the same for all sizes. */
function read(text: string): { readonly text: string; readonly isRegular: boolean } {
  const [whole, ...split] = [text.length, 1, 2, 3, 7, 26].map((size) => {
    const head = createAnswerHead();
    let handed = "";
    for (let at = 0; at < text.length; at += size) {
      const piece = Buffer.from(text.slice(at, at + size), "latin1");
      handed += head.take(piece)?.toString("latin1") ?? "";
    }
    return { text: handed, isRegular: head.isRegular };
  });
  if (whole === undefined) throw new Error("no size");
  for (const each of split) expect(each).toEqual(whole);
  return whole;
}

function failure(text: string): unknown {
  const failures = [text.length, 1, 5].map((size) => {
    const head = createAnswerHead();
    try {
      for (let at = 0; at < text.length; at += size) {
        head.take(Buffer.from(text.slice(at, at + size), "latin1"));
      }
      return undefined;
    } catch (error) {
      return error;
    }
  });
  for (const each of failures) expect(each).toEqual(failures[0]);
  return failures[0];
}

describe("an answer's head", () => {
  it.each([OK, FINAL, "HTTP/1.1 204\r\n\r\n", "HTTP/1.0 500 Oops\r\na: b\r\n c\r\n\r\nbody"])(
    "%j is handed on byte for byte",
    (text) => {
      expect(read(text)).toEqual({ text, isRegular: true });
    },
  );

  it("in one piece is handed on as that very piece", () => {
    const piece = Buffer.from(OK);
    expect(createAnswerHead().take(piece)?.buffer).toBe(piece.buffer);
  });

  it.each([
    CONTINUE,
    CONTINUE + CONTINUE,
    HINTS,
    `${HINTS}${CONTINUE}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 X\r\na: b\r\n\r\n`,
    "HTTP/1.1 100\r\n\r\n",
    "HTTP/1.1 100 Continue\n\n",
    "HTTP/1.0 100 Continue\r\ncontent-length: 5\r\n\r\n",
    `\r\n\r\n${CONTINUE}\r\n`,
  ])("%j before it is left out", (informational) => {
    expect(read(informational + OK)).toEqual({ text: OK, isRegular: true });
  });

  it("is nothing while there are only informational ones", () => {
    expect(read(CONTINUE + HINTS).text).toBe("");
  });

  it.each([
    ["HTTP/1.1 200 OK\ncontent-length: 2\n\nok", OK],
    ["HTTP/1.1 200 OK\r\ncontent-length: 2\n\r\nok", OK],
    ["HTTP/1.1 200 OK\ncontent-length: 2\r\n\nok", OK],
    ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length:2\r\n\r\nok", OK],
    ["HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", OK],
    ["HTTP/1.1 200 OK\ncontent-length: 02\ncontent-length: 2\n\nok", OK],
    [
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
  ])("%j is made regular, and carries no second answer", (sent, handed) => {
    expect(read(sent)).toEqual({ text: handed, isRegular: false });
  });

  it("is read in its body no more", () => {
    const body = `\n\n${CONTINUE}${"x\n".repeat(30_000)}`;
    expect(read(FINAL + body).text).toBe(FINAL + body);
  });

  it.each([
    ["its Content-Length", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok"],
    ["its Content-Length", "HTTP/1.1 200 OK\r\ncontent-length: 2,3\r\n\r\nok"],
    ["is no number", "HTTP/1.1 200 OK\r\ncontent-length: x\r\ncontent-length: x\r\n\r\n"],
    ["does not begin with HTTP/1", "220 smtp.example.com\r\n"],
    ["does not begin with HTTP/1", "SSH-2.0-x"],
    ["does not begin with HTTP/1", `${CONTINUE}what?`],
    ["no status", "HTTP/1.1 OK\r\n"],
    ["no status", "HTTP/1.1 042 X\r\n"],
    ["switches protocols", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"],
    ["has no name", "HTTP/1.1 200 OK\r\na b\r\n"],
    ["has no name", "HTTP/1.1 200 OK\r\n: b\r\n"],
    ["HTTP/2 only", "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d"],
    ["HTTP/2 only", "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01"],
    ["does not begin with HTTP/1", "\0\0\x08\x07\0\0\0\0\x01\0\0"],
  ])("that cannot be read is told so: %s: %j", (why, text) => {
    const what = why === "its Content-Length" ? "two different values of Content-Length" : why;
    expect(failure(text)).toMatchObject({ message: expect.stringContaining(what) });
  });

  it.each([
    `HTTP/1.1 200 OK\r\n${"a:\r\n".repeat(600)}`,
    `${HINTS}HTTP/1.1 200 OK\r\n${"a:\r\n".repeat(600)}`,
    HINTS.repeat(200),
    CONTINUE.repeat(300),
    "\r\n".repeat(600),
    `HTTP/1.1 200 ${"a".repeat(70_000)}`,
    `HTTP/1.1 200 OK\r\n${`a: ${"b".repeat(1_000)}\r\n`.repeat(70)}`,
    "HTTP/1.1  103 two spaces\r\n\r\n".repeat(300),
  ])("is bounded, with all that comes before it (%#)", (text) => {
    expect(failure(text)).toMatchObject({ code: "UND_ERR_HEADERS_OVERFLOW" });
  });

  it("begins anew with the next answer on the connection", () => {
    const head = createAnswerHead();
    const headers = Buffer.from(`HTTP/1.1 200 OK\r\n${"a:\r\n".repeat(400)}\r\n`);
    for (let answer = 0; answer < 3; answer += 1) {
      head.reset();
      expect(head.take(headers)).toEqual(headers);
    }
    head.reset();
    expect(head.take(Buffer.from(CONTINUE + OK))).toEqual(Buffer.from(OK));
  });
});
