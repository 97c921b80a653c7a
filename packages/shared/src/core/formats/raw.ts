import { subjectText, type Format } from "./format.ts";

/** The caller's payload and nothing around it, byte for byte. */
export const raw: Format = { write: ({ subject }) => ({ text: subjectText(subject) }) };
