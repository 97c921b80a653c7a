/**
 * Counts what a receiver sends before its answer: every line and byte up to the blank line that ends the
 * headers of a final status, informational answers (1xx) included.
 *
 * undici bounds the bytes of each header section, but not how many headers there are (8,000 of two bytes
 * each cost it 2 MB), how many informational sections come, or how long a reason phrase is; those would
 * pour in at full speed until the timeout. This is a budget, not a parser: read wrongly, it ends an
 * attempt early or leaves it to undici's limit and the timeout.
 */

/** Nobody needs more; browsers and proxies stop at 100 to 1,000 headers. */
const MAX_LINES = 512;
const MAX_BYTES = 65_536;
/** Enough to see the status code. */
const STATUS_CHARACTERS = 16;

const LF = 0x0a;
const CR = 0x0d;

export interface HeaderBudget {
  /** A new answer begins. */
  reset(): void;
  /** False when the receiver has sent too much. */
  spend(piece: Uint8Array): boolean;
}

export function createHeaderBudget(): HeaderBudget {
  let bytes = 0;
  let lines = 0;
  let lineLength = 0;
  let statusLine = "";
  let isStatusLine = true;
  let isOver = false;

  function endLine(): void {
    lines += 1;
    // Blank lines before a status line mean nothing; the one after the headers ends the section.
    const isSectionEnd = lineLength === 0 && !isStatusLine;
    const isInformational = /^HTTP\/\d\.\d +1/.test(statusLine);
    if (isSectionEnd && !isInformational) isOver = true;
    if (isSectionEnd) statusLine = "";
    isStatusLine = isSectionEnd || (isStatusLine && lineLength === 0);
    lineLength = 0;
  }

  return {
    reset() {
      bytes = lines = lineLength = 0;
      statusLine = "";
      isStatusLine = true;
      isOver = false;
    },
    spend(piece) {
      for (const byte of piece) {
        if (isOver) return true;
        bytes += 1;
        if (byte === LF) endLine();
        else if (byte !== CR) {
          lineLength += 1;
          if (isStatusLine && lineLength <= STATUS_CHARACTERS) {
            statusLine += String.fromCodePoint(byte);
          }
        }
      }
      return isOver || (bytes <= MAX_BYTES && lines <= MAX_LINES);
    },
  };
}
