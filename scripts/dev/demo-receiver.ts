/** A receiver as a customer would write one: checks the signature, then answers what the demo wants. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ReceivedAttempt {
  readonly name: string;
  readonly attempt: string;
  readonly answer: Answer;
  readonly isSignatureValid: boolean;
  readonly webhookId: string;
}

export interface Receiver {
  readonly url: string;
  readonly secret: string;
  readonly received: readonly ReceivedAttempt[];
  close(): void;
}

const NOT_FOUND: Answer = { status: 404 };

/** `answers`: one for each attempt. */
export async function startReceiver(
  { name, answers }: { readonly name: string; readonly answers: readonly Answer[] },
  onAttempt: (attempt: ReceivedAttempt) => void,
): Promise<Receiver> {
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  const webhook = new Webhook(secret);
  const received: ReceivedAttempt[] = [];

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const answer = answers[received.length] ?? NOT_FOUND;
    const attempt = {
      name,
      attempt: header(request, "x-webhook-attempt"),
      answer,
      isSignatureValid: isValid(webhook, body, request),
      webhookId: header(request, "webhook-id"),
    };
    received.push(attempt);
    onAttempt(attempt);
    response.writeHead(answer.status, answer.headers).end();
  };

  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/${name}`,
    secret,
    received,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function isValid(webhook: Webhook, body: string, request: IncomingMessage): boolean {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  try {
    webhook.verify(body, Object.fromEntries(names.map((name) => [name, header(request, name)])));
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

function header({ headers }: IncomingMessage, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}
