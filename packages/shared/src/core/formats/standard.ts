import { subjectText, type Format } from "./format.ts";

/** The envelope that Standard Webhooks recommends: `{type, timestamp, data}`. */
export const standard: Format = {
  write({ eventType, timestamp, subject }) {
    const head = JSON.stringify({ type: eventType, timestamp });
    return { text: `${head.slice(0, -1)},"data":${subjectText(subject)}}` };
  },
};
