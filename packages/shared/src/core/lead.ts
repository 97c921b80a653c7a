/** A lead as callers give it and receivers get it (camelCase; every field may be absent). */
export interface Lead {
  readonly id: string;
  readonly email: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly linkedinId: string | null;
  readonly linkedinUrl: string | null;
  readonly company: string | null;
  readonly title: string | null;
  readonly source: string | null;
  /** ISO 8601 in UTC with milliseconds. */
  readonly capturedAt: string | null;
  readonly customFields: Readonly<Record<string, unknown>>;
}

export const SAMPLE_LEAD_ID = "test-lead-id";

/** What `test: true` sends, and what the development database holds under `test-lead-id`. */
export const SAMPLE_LEAD: Lead = {
  id: SAMPLE_LEAD_ID,
  email: "ada.lovelace@example.com",
  firstName: "Ada",
  lastName: "Lovelace",
  linkedinId: "ada-lovelace",
  linkedinUrl: "https://www.linkedin.com/in/ada-lovelace",
  company: "Analytical Engines Ltd",
  title: "Head of Computing",
  source: "sample",
  capturedAt: "2026-01-01T09:00:00.000Z",
  customFields: {},
};
