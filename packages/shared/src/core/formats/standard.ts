import { subjectText, type Format } from "./format.ts";

/** The envelope that Standard Webhooks recommends: `{type, timestamp, data}`. */
export const standard: Format = {
  body: ({ eventType, timestamp, subject }) =>
    `{"type":${JSON.stringify(eventType)},"timestamp":${JSON.stringify(timestamp)},"data":${subjectText(subject)}}`,
};
