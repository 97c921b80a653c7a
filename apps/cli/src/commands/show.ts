/** `wd show`: everything about one delivery. */
import {
  WebhookDeliveryConnectionError,
  WebhookDeliveryError,
  type Client,
  type Delivery,
  type Destination,
} from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { describeDelivery } from "../show/delivery.ts";
import { destinationKeyOf } from "../show/destination.ts";

export function addShow(parent: Parent, cli: Cli): void {
  parent
    .command("show")
    .summary("show a delivery with its payload and every attempt")
    .description("Shows a delivery with its payload and every attempt.")
    .argument("<id>", "of the delivery")
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd show 01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f",
        "npx -y pnpm@12 --silent wd show 01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f --json | jq '.attempts[-1]'",
      )}`,
    )
    .action(async (id) => {
      const { output, signal } = cli;
      const client = cli.client();
      const delivery = await client.deliveries.get(id, { signal });
      output.json(delivery);
      if (output.isJson) return;
      const destination = await destinationOf(delivery, client, signal);
      const shown = { now: new Date(), paint: output.paint, destination };
      output.lines(describeDelivery(delivery, shown));
    });
}

/** Of one that waits. Undefined also where it cannot be read: the delivery is shown all the same. */
async function destinationOf(
  delivery: Delivery,
  client: Client,
  signal: AbortSignal,
): Promise<Destination | undefined> {
  const key = destinationKeyOf(delivery);
  if (delivery.status !== "pending" || key === undefined) return undefined;
  try {
    return await client.destinations.get(key, { signal });
  } catch (error) {
    if (error instanceof WebhookDeliveryError) return undefined;
    if (error instanceof WebhookDeliveryConnectionError) return undefined;
    throw error;
  }
}
