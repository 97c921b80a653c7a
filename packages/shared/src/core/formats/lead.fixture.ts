/** What the formats' tests are about: one lead, complete, and one of which nothing is known. */
import type { Lead } from "../lead.ts";
import type { FormatInput, Subject } from "./format.ts";

export const TIMESTAMP = "2026-03-01T12:00:00.000Z";

const LEAD: Lead = {
  id: "lead-1",
  email: "zoë@example.com",
  firstName: "Zoë",
  lastName: "Łukasiewicz 李 🦊",
  linkedinId: "zoe",
  linkedinUrl: "https://www.linkedin.com/in/zoe",
  company: 'Engines "Ltd"',
  title: "Head of Computing",
  source: "ads",
  capturedAt: "2026-01-01T09:00:00.000Z",
  customFields: {},
};

export const NOBODY: Lead = {
  id: "lead-2",
  email: null,
  firstName: null,
  lastName: null,
  linkedinId: null,
  linkedinUrl: null,
  company: null,
  title: null,
  source: null,
  capturedAt: null,
  customFields: {},
};

export function aLead(also: Partial<Extract<Subject, { kind: "lead" }>> = {}): Subject {
  return { kind: "lead", lead: LEAD, campaignName: "Spring", customFields: {}, ...also };
}

export function aPayload(payload: unknown): Subject {
  const payloadText = typeof payload === "string" ? payload : JSON.stringify(payload);
  return { kind: "payload", payloadText };
}

export function input(subject: Subject, eventType = "lead.captured"): FormatInput {
  return { eventType, timestamp: TIMESTAMP, subject };
}
