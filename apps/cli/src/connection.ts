/**
 * Which service, and as whom. An option wins over the environment, the environment over what a clone on
 * this machine made for itself. The key is in no message, whatever is wrong with it.
 */
import { createClient } from "@webhook-delivery/client";
import { usageFailure } from "./failure.ts";

export const DEFAULT_URL = "http://localhost:3000";

export interface ConnectionSources {
  readonly options: { readonly url?: string | undefined; readonly apiKey?: string | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The key that `npx -y pnpm@12 start` made in this clone; undefined: there is none. */
  readonly developmentKey: () => string | undefined;
  /** Where the `npx -y pnpm@12 start` of this clone listens now; undefined: none runs. */
  readonly developmentUrl: () => string | undefined;
}

export interface Connection {
  readonly url: string;
  readonly apiKey: string;
}

export function resolveConnection(sources: ConnectionSources): Connection {
  const { options, env, developmentKey, developmentUrl } = sources;
  const givenUrl = options.url || env["WEBHOOK_DELIVERY_URL"];
  // It runs on this machine, whatever address it listens on.
  const runningUrl = givenUrl ? undefined : developmentUrl();
  const address = givenUrl || runningUrl || DEFAULT_URL;
  requireUsable("The service's address (--url, WEBHOOK_DELIVERY_URL)", {
    url: address,
    apiKey: "any",
  });
  const url = new URL(address);
  const mayHaveOurKey = runningUrl !== undefined || isThisMachine(url);
  const givenKey = options.apiKey || env["WEBHOOK_DELIVERY_API_KEY"];
  const apiKey = givenKey || (mayHaveOurKey ? developmentKey() : undefined);
  if (apiKey === undefined) {
    throw usageFailure(
      "No API key. Set WEBHOOK_DELIVERY_API_KEY (or give --api-key, which other users of this " +
        "machine can see). Beside a clone in which `npx -y pnpm@12 start` has run, its key is used.",
    );
  }
  requireUsable("The key (--api-key, WEBHOOK_DELIVERY_API_KEY)", { url: address, apiKey });
  return { url: url.href.replace(/\/+$/, ""), apiKey };
}

/** The client's own check, which says what is wrong; it connects to nothing. */
function requireUsable(what: string, connection: Connection): void {
  try {
    createClient(connection);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw usageFailure(`${what} cannot be used: ${error.message}.`);
  }
}

function isThisMachine({ hostname }: URL): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  );
}
