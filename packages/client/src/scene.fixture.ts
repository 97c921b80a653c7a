/** A client whose time and chance are the test's, and a server that answers as it is told. */
import type { Answer } from "@webhook-delivery/shared/testing/receiver.ts";
import { createClientWithin, type Client } from "./client.ts";
import type { ClientOptions } from "./options.ts";
import { startScript, type ScriptedServer } from "./scripted-server.fixture.ts";

export const API_KEY = "wd_key-that-nobody-may-see";
export const ID = "019aa5b0-7c00-7000-8000-0000000000d1";
export const NEW = { webhookUrl: "https://example.com/", payload: { number: 1 } };

interface Scene extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly client: Client;
  /** Milliseconds that were waited before each new try. */
  readonly waits: readonly number[];
}

export async function scene(
  answers: readonly Answer[],
  options: Partial<ClientOptions> = {},
): Promise<Scene> {
  const server = await startScript(...answers);
  const waits: number[] = [];
  const client = createClientWithin(
    { url: server.url, apiKey: API_KEY, ...options },
    {
      now: () => Date.parse("2026-11-21T10:00:00Z"),
      random: () => 0.5,
      sleep: async (ms, signal) => {
        waits.push(ms);
        signal?.throwIfAborted();
      },
    },
  );
  return { server, client, waits, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
