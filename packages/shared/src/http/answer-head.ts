/**
 * Reads the head of each answer before undici does, and hands on what undici can read.
 *
 * - Informational answers (1xx but 101; RFC 9110 §15.2) are left out, any number of them: undici takes a
 *   `100 Continue` that was not asked for as the end of the connection, although the final answer follows.
 * - Lines that end in LF alone (RFC 9112 §2.2), a `Content-Length` that is repeated with the same value
 *   (RFC 9110 §8.6) and one beside `Transfer-Encoding` (RFC 9112 §6.3) are read as browsers and curl read
 *   them. Where two programs could disagree about an answer's end, one answer could be smuggled into
 *   another; hence such a connection carries no second one (`isRegular`).
 * - Everything up to the blank line that ends a final head is counted, informational heads included.
 *   undici bounds the bytes of one head, but not how many headers there are (8,000 of two bytes each cost
 *   it 2 MB) nor how many heads come; those would pour in at full speed until the timeout.
 *
 * A regular head that came in one piece is handed on as it is: it costs one search a line.
 */
import { errors } from "undici";
import { HTTP2_ONLY, KnownFailure, malformed } from "./network-failure.ts";

/** Nobody needs more; browsers and proxies stop at 100 to 1,000 headers. */
const MAX_LINES = 512;
const MAX_BYTES = 65_536;

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

const HTTP = Buffer.from("HTTP/");
/** Enough to see the status. */
const STATUS_CHARACTERS = 64;
const STATUS_LINE = /^HTTP\/\d(?:\.\d)? +([1-9]\d\d)(?:\s|$)/;
/** RFC 9113 §4.1: length, type, flags, stream. */
const FRAME_HEADER_BYTES = 9;
/** What an HTTP/2 server says first: SETTINGS, or GOAWAY to somebody who speaks something else. */
const FIRST_FRAMES: ReadonlySet<unknown> = new Set([0x04, 0x07]);

export interface AnswerHead {
  /** A new answer begins. */
  reset(): void;
  /** Undefined: nothing to hand on yet. Throws when no answer can come of it. */
  take(piece: Buffer): Buffer | undefined;
  /** The latest head was handed on as it came. */
  readonly isRegular: boolean;
}

export function createAnswerHead(): AnswerHead {
  let held: Buffer = EMPTY;
  let bytes = 0;
  let lines = 0;
  let head = emptyHead();
  let isOver = false;
  let isRegular = true;

  function take(piece: Buffer): Buffer | undefined {
    if (isOver) return piece;
    const text = held.length === 0 ? piece : Buffer.concat([held, piece]);
    let lineStart = head.lineStart;
    let headStart = 0;
    for (let at = held.length; ;) {
      const end = text.indexOf(LF, at);
      if (end === -1) break;
      countLine();
      const isBlank = end === lineStart || (end === lineStart + 1 && text[lineStart] === CR);
      if (!isBlank) readLine(head, text.subarray(lineStart, end));
      at = lineStart = end + 1;
      if (!isBlank) continue;
      // Blank lines before a status line mean nothing.
      if (head.status === undefined) headStart = at;
      else if (isInformational(head.status)) {
        headStart = at;
        head = emptyHead();
      } else {
        spend(at - held.length);
        return finish(text, headStart, at);
      }
    }
    spend(piece.length);
    if (head.status === undefined) checkBeginning(text.subarray(lineStart));
    held = text.subarray(headStart);
    head.lineStart = lineStart - headStart;
    return undefined;
  }

  function finish(text: Buffer, start: number, end: number): Buffer {
    isOver = true;
    held = EMPTY;
    isRegular = head.isRegular && !hasLengthToMend(head);
    if (isRegular) return text.subarray(start);
    return Buffer.concat([rewritten(head, text.subarray(start, end)), text.subarray(end)]);
  }

  function spend(more: number): void {
    bytes += more;
    if (bytes > MAX_BYTES) throw new errors.HeadersOverflowError();
  }

  function countLine(): void {
    lines += 1;
    if (lines > MAX_LINES) throw new errors.HeadersOverflowError();
  }

  return {
    reset() {
      held = EMPTY;
      bytes = lines = 0;
      head = emptyHead();
      isOver = false;
    },
    take,
    get isRegular() {
      return isRegular;
    },
  };
}

interface Head {
  /** In what is held. */
  lineStart: number;
  status: number | undefined;
  /** Every line ends in CR LF. */
  isRegular: boolean;
  /** As they are spelled. */
  readonly contentLengths: string[];
  hasTransferEncoding: boolean;
}

function emptyHead(): Head {
  return {
    lineStart: 0,
    status: undefined,
    isRegular: true,
    contentLengths: [],
    hasTransferEncoding: false,
  };
}

function readLine(head: Head, line: Buffer): void {
  if (line.at(-1) !== CR) head.isRegular = false;
  if (head.status === undefined) {
    checkBeginning(line);
    head.status = statusOf(line);
    return;
  }
  const [first] = line;
  // obs-fold (RFC 9112 §5.2): the line before goes on.
  if (first === 0x20 || first === 0x09) return;
  const colon = line.indexOf(0x3a);
  if (colon < 1) throw malformed("a line among its headers has no name");
  // Both names and no other common one begin so; most lines are spared the comparison.
  if (first === 0x43 || first === 0x63) {
    if (nameOf(line, colon) === "content-length") head.contentLengths.push(valueOf(line, colon));
  } else if (first === 0x54 || first === 0x74) {
    if (nameOf(line, colon) === "transfer-encoding") head.hasTransferEncoding = true;
  }
}

function nameOf(line: Buffer, colon: number): string {
  return line.toString("latin1", 0, colon).toLowerCase();
}

function valueOf(line: Buffer, colon: number): string {
  return line.toString("latin1", colon + 1).trim();
}

function statusOf(line: Buffer): number {
  const status = STATUS_LINE.exec(line.toString("latin1", 0, STATUS_CHARACTERS))?.[1];
  if (status === undefined) throw malformed("its status line has no status");
  if (status === "101") throw malformed("it switches protocols, which nobody asked for");
  return Number(status);
}

function isInformational(status: number): boolean {
  return status < 200;
}

/** As soon as it can be told, since what is no HTTP may have no lines either. */
function checkBeginning(start: Buffer): void {
  if (start[0] === CR && start.length === 1) return;
  const length = Math.min(start.length, HTTP.length);
  if (start.compare(HTTP, 0, length, 0, length) === 0) return;
  if (start[0] !== 0) throw malformed("it does not begin with HTTP/1");
  if (start.length < FRAME_HEADER_BYTES) return;
  const isFrame = FIRST_FRAMES.has(start[3]) && start.readUInt32BE(5) === 0;
  throw isFrame ? new KnownFailure(HTTP2_ONLY) : malformed("it does not begin with HTTP/1");
}

function hasLengthToMend({ contentLengths, hasTransferEncoding }: Head): boolean {
  const [first, second] = contentLengths;
  if (first === undefined) return false;
  return second !== undefined || hasTransferEncoding || first.includes(",");
}

/** With CR LF throughout, and with one `Content-Length` or none. */
function rewritten(head: Head, bytes: Buffer): Buffer {
  const [statusLine = "", ...lines] = bytes
    .toString("latin1")
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  if (!hasLengthToMend(head)) return Buffer.from([statusLine, ...lines].join("\r\n"), "latin1");
  const others = lines.filter((line) => !/^content-length:/i.test(line));
  const length = head.hasTransferEncoding ? [] : [`content-length: ${oneLength(head)}`];
  return Buffer.from([statusLine, ...length, ...others].join("\r\n"), "latin1");
}

function oneLength({ contentLengths }: Head): string {
  const values = contentLengths
    .flatMap((value) => value.split(","))
    .map((value) => value.trim().replace(/^0+(?=\d)/, ""));
  const [first = "", ...more] = new Set(values);
  if (!/^\d+$/.test(first)) throw malformed("its Content-Length is no number");
  if (more.length > 0) throw malformed("it has two different values of Content-Length");
  return first;
}
