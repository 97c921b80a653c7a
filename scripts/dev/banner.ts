/** What `pnpm start` prints once everything runs: all that a newcomer needs to see a delivery arrive. */
import { isAnyAddress, isLoopbackAddress } from "./listener.ts";
import { SAMPLE_LEAD_ID } from "@webhook-delivery/shared/core/lead.ts";

export interface BannerFacts {
  readonly version: string;
  readonly origin: string;
  /** The address that it listens on. */
  readonly host: string;
  readonly apiKey: string;
  readonly database: string;
  readonly queue: "redis" | "postgres";
  readonly dataFolder: string;
  /** Made up here, where the command line finds it. */
  readonly isOwnKey: boolean;
}

const RECEIVER_PORT = 4000;

// Pasted into any shell: single quotes outside, none inside.
const RECEIVER =
  `node -e 'require("http").createServer((q, s) => { let b = ""; ` +
  `q.on("data", (d) => b += d).on("end", () => { console.log(q.method, q.url, q.headers, b); ` +
  `s.end("ok") }) }).listen(${RECEIVER_PORT})'`;

export function banner(facts: BannerFacts): string {
  return `
webhook-delivery ${facts.version} is running.

  API       ${facts.origin} (${reachOf(facts.host)})
  API key   ${facts.apiKey}
  Database  ${facts.database}
  Queue     ${facts.queue === "redis" ? "Redis, at REDIS_URL" : "in the same database (no REDIS_URL)"}
  Data      ${facts.dataFolder} (kept between starts)

Send the sample lead:

${sampleCurl(facts)}

It goes to port ${RECEIVER_PORT}. This is a receiver for a second terminal; until it runs, the delivery is retried:

${RECEIVER}

See what became of it:

curl -H ${quote(`Authorization: Bearer ${facts.apiKey}`)} ${quote(`${facts.origin}/webhook-delivery?limit=1`)}

The same as a table: npx -y pnpm@12 wd list${facts.isOwnKey ? "" : " (with that key in WEBHOOK_DELIVERY_API_KEY)"}
A receiver that checks signatures: npx -y pnpm@12 wd listen --secret test-secret
What else a terminal can do: npx -y pnpm@12 wd
Successes, retries and refusals in 15 seconds: npx -y pnpm@12 demo
Ctrl-C stops everything.
`;
}

/** From where it can be reached. */
function reachOf(host: string): string {
  if (isLoopbackAddress(host)) return "from this machine only; HOST=0.0.0.0 opens it to others";
  return isAnyAddress(host)
    ? `HOST=${host}: from every machine that reaches this one`
    : `HOST=${host}: at this address only`;
}

export function sampleCurl({ origin, apiKey }: { origin: string; apiKey: string }): string {
  const body = {
    leadId: SAMPLE_LEAD_ID,
    webhookUrl: `http://localhost:${RECEIVER_PORT}/hook`,
    webhookSecret: "test-secret",
    campaignName: "Test Campaign",
  };
  return [
    `curl -X POST ${origin}/api/webhook-delivery`,
    `-H ${quote(`Authorization: Bearer ${apiKey}`)}`,
    `-H ${quote("content-type: application/json")}`,
    `-d ${quote(JSON.stringify(body))}`,
  ].join(" ");
}

/** One word to a POSIX shell, whatever is in it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
