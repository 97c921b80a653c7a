/** The body that a delivery would have, written by the same code; nothing is stored and nothing sent. */
import { clientScope, ownerOf, type Caller } from "../core/caller.ts";
import { DomainError } from "../core/errors.ts";
import type { Subject } from "../core/formats/format.ts";
import {
  FORMATS,
  resolveFormat,
  type FormatName,
  type RequestedFormat,
} from "../core/formats/registry.ts";
import { SAMPLE_LEAD, type Lead } from "../core/lead.ts";
import { timeOf } from "../core/time.ts";
import { findLead, type LeadChanges } from "../db/leads.ts";
import type { RequestedSubject } from "./subject.ts";
import { findRequestedTarget, type RequestedTarget, type TargetDeps } from "./target.ts";

export interface PreviewRequest extends RequestedSubject {
  readonly caller: Caller;
  readonly format: RequestedFormat;
  readonly eventType: string;
  /** Null: nowhere; `auto` is `standard` then. */
  readonly target: RequestedTarget | null;
  readonly now: Date;
}

export interface Preview {
  readonly format: FormatName;
  readonly body: string;
}

/** Throws what accepting the delivery would throw: `lead_not_found`, `invalid_payload` and the like. */
export async function previewBody(deps: TargetDeps, request: PreviewRequest): Promise<Preview> {
  const { caller, eventType, now } = request;
  const target =
    request.target && (await findRequestedTarget(deps, request.target, clientScope(caller)));
  const endpoint = target?.kind === "endpoint" ? target : undefined;
  const asked = request.format === "auto" ? (endpoint?.format ?? "auto") : request.format;
  const format = resolveFormat(asked, target?.url ?? NOBODYS_URL);
  const subject = await readSubject(deps, request, endpoint ? endpoint.clientId : ownerOf(caller));
  const { text, misfit } = FORMATS[format].write({
    eventType,
    timestamp: now.toISOString(),
    subject,
  });
  if (misfit === undefined) return { format, body: text };
  const message = `This cannot be sent in the format "${format}": ${misfit.message}.`;
  throw new DomainError("invalid_payload", message, [misfit]);
}

const NOBODYS_URL = "https://receiver.invalid/";

async function readSubject(
  { sql }: TargetDeps,
  { content, leadChanges, campaignName, customFields }: PreviewRequest,
  clientId: string | null,
): Promise<Subject> {
  if (content.kind === "payload" || content.kind === "example") {
    return { kind: "payload", payloadText: content.payloadText };
  }
  if (content.kind === "sample") {
    return { kind: "lead", lead: SAMPLE_LEAD, campaignName, customFields };
  }
  const { leadId } = content;
  const stored = await findLead(sql, { id: leadId, clientId });
  if (stored === undefined && leadChanges === null) {
    throw new DomainError("lead_not_found", `There is no lead "${leadId}".`, [
      { field: "body.leadId", message: "unknown lead" },
    ]);
  }
  const lead = changeLead(stored ?? { ...NO_LEAD, id: leadId }, leadChanges?.changes ?? {});
  return { kind: "lead", lead, campaignName, customFields };
}

const NO_LEAD: Omit<Lead, "id"> = {
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

/** As upsertLead would: what is absent stays, custom fields are merged, null removes them all. */
function changeLead(lead: Lead, { customFields, capturedAt, ...fields }: LeadChanges): Lead {
  const given = Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  );
  return {
    ...lead,
    ...given,
    ...(capturedAt !== undefined && {
      capturedAt: capturedAt && timeOf(capturedAt).toISOString(),
    }),
    customFields: customFields === null ? {} : { ...lead.customFields, ...customFields },
  };
}
