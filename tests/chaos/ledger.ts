/**
 * The receiver, and its own book of what it got and answered. It fails at random: errors, resets,
 * silence, slow answers. What it writes down is the truth that the service is held against.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Random } from "./random.ts";

export interface Receipt {
  readonly webhookId: string;
  readonly attempt: number;
  readonly at: number;
  /** What was answered in full; null: nothing, or not to the end. */
  answered: number | null;
}

export interface Ledger {
  readonly url: string;
  readonly receipts: readonly Receipt[];
  close(): Promise<void>;
}

const SLOW_MS = { from: 100, to: 1_500 };

export async function startLedger(random: Random): Promise<Ledger> {
  const receipts: Receipt[] = [];
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const receipt: Receipt = {
        webhookId: String(request.headers["webhook-id"]),
        attempt: Number(request.headers["x-webhook-attempt"]),
        at: Date.now(),
        answered: null,
      };
      receipts.push(receipt);
      answer(random, receipt, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    receipts,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function answer(random: Random, receipt: Receipt, response: ServerResponse): void {
  const finish = (status: number): void => {
    // `finish`: handed to the system in full, and the peer was still there.
    response.once("finish", () => {
      receipt.answered = status;
    });
    response.writeHead(status).end("noted");
  };
  const dice = random.next();
  if (dice < 0.7) finish(200);
  else if (dice < 0.8) finish(500);
  else if (dice < 0.85) response.destroy();
  else if (dice < 0.9) return;
  else setTimeout(() => finish(200), random.between(SLOW_MS.from, SLOW_MS.to));
}
