/**
 * The event types that we know: a catalogue for people and for test sends. It limits nobody: events of
 * any other type are accepted and delivered all the same.
 */
import { subjectText } from "./formats/format.ts";
import { SAMPLE_LEAD } from "./lead.ts";

export interface EventTypeInfo {
  readonly type: string;
  readonly description: string;
  /** What such an event's `data` looks like. */
  readonly example: Readonly<Record<string, unknown>>;
}

const SESSION = { sessionId: "support-berlin", phone: "+493012345678" };
const CONTACT = "+4915112345678";

const incoming = {
  messageId: "3EB0C767D71D",
  ...SESSION,
  from: CONTACT,
  fromName: "Ada Lovelace",
  to: SESSION.phone,
  chatId: "4915112345678@c.us",
  isGroup: false,
  type: "text",
  text: "Is the analytical engine in stock?",
  timestamp: "2026-11-21T10:00:00.000Z",
};

const outgoing = {
  messageId: "3EB0A41F09B2",
  ...SESSION,
  from: SESSION.phone,
  to: CONTACT,
  chatId: "4915112345678@c.us",
  isGroup: false,
  type: "text",
  text: "It is. Shall we put one aside for you?",
  timestamp: "2026-11-21T10:00:30.000Z",
};

const campaign = {
  campaignId: "cmp_2026_11",
  name: "Spring outreach",
  ...SESSION,
  recipients: 250,
};

const endpoint = {
  endpointId: "019aa5b0-7c00-7000-8000-0000000000e1",
  clientId: "019aa5b0-7c00-7000-8000-0000000000c1",
  name: "CRM",
  url: "https://example.com/webhooks",
};

export const EVENT_TYPES: readonly EventTypeInfo[] = [
  {
    type: "lead.captured",
    description: "A lead was captured.",
    example: JSON.parse(
      subjectText({
        kind: "lead",
        lead: SAMPLE_LEAD,
        campaignName: "Spring outreach",
        customFields: { interest: "analytical engines" },
      }),
    ) as Record<string, unknown>,
  },
  {
    type: "message.received",
    description: "A message came in.",
    example: incoming,
  },
  {
    type: "message.sent",
    description: "A message was handed to the network.",
    example: { ...outgoing, status: "sent" },
  },
  {
    type: "message.updated",
    description: "A message was edited or deleted, or got a reaction.",
    example: {
      ...incoming,
      change: "edited",
      text: "Is the difference engine in stock?",
      previousText: incoming.text,
      updatedAt: "2026-11-21T10:00:12.000Z",
    },
  },
  {
    type: "message.delivered",
    description: "A message reached the recipient's device.",
    example: { ...outgoing, status: "delivered", deliveredAt: "2026-11-21T10:00:31.400Z" },
  },
  {
    type: "message.failed",
    description: "A message could not be sent.",
    example: {
      ...outgoing,
      status: "failed",
      error: { code: "recipient_not_found", message: "The number has no account." },
    },
  },
  {
    type: "session.status",
    description: "A session changed its status, to whichever.",
    example: {
      ...SESSION,
      status: "connecting",
      previousStatus: "disconnected",
      timestamp: "2026-11-21T09:59:58.000Z",
    },
  },
  {
    type: "session.connected",
    description: "A session is connected and can send.",
    example: {
      ...SESSION,
      status: "connected",
      previousStatus: "connecting",
      timestamp: "2026-11-21T10:00:00.000Z",
    },
  },
  {
    type: "session.disconnected",
    description: "A session lost its connection.",
    example: {
      ...SESSION,
      status: "disconnected",
      previousStatus: "connected",
      reason: "logged_out",
      timestamp: "2026-11-21T18:00:00.000Z",
    },
  },
  {
    type: "campaign.started",
    description: "A campaign began to send.",
    example: { ...campaign, startedAt: "2026-11-21T10:00:00.000Z" },
  },
  {
    type: "campaign.completed",
    description: "A campaign has sent to everyone it could.",
    example: {
      ...campaign,
      sent: 247,
      failed: 3,
      startedAt: "2026-11-21T10:00:00.000Z",
      completedAt: "2026-11-21T10:42:00.000Z",
    },
  },
  {
    type: "endpoint.disabled",
    description: "For operators: an endpoint was disabled, because it is gone or kept failing.",
    example: {
      ...endpoint,
      reason: "gone",
      failureCount: 1,
      failingSince: "2026-11-21T10:00:00.000Z",
      lastError: "HTTP 410",
    },
  },
  {
    type: "endpoint.recovered",
    description: "For operators: an endpoint that had been disabled and enabled again succeeded.",
    example: { ...endpoint, reason: "gone", failureCount: 0, failingSince: null, lastError: null },
  },
];

const EXAMPLES = new Map(EVENT_TYPES.map(({ type, example }) => [type, example]));

/** What a test of an endpoint sends as such an event's `data`; also for types that we do not know. */
export function exampleOf(type: string): Readonly<Record<string, unknown>> {
  return EXAMPLES.get(type) ?? { test: true, message: `This is a test event of the type ${type}.` };
}
