/** `wd tail`: deliveries as they come and move, from now on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { isPassing } from "../failure.ts";
import { examples } from "../help.ts";
import { createSetbacks } from "../setbacks.ts";
import { deliveryLine } from "../show/delivery.ts";
import { look } from "../tail/look.ts";
import { createWatch } from "../tail/watch.ts";

const LOOK_EVERY_MS = 1_000;
/** Some megabytes of memory. */
const MOST_UNFINISHED = 10_000;

export function addTail(parent: Parent, cli: Cli): void {
  parent
    .command("tail")
    .summary("print deliveries as they come and move, from now on")
    .description(
      "Prints a line for each new delivery and for each change of one that is not finished, from now on, until Ctrl-C. It looks once a second; what changes twice in between is one line.",
    )
    .option("--failed", "only those that end as failed")
    .option("--endpoint <id>", "only to this endpoint")
    .addHelpText(
      "after",
      `\n${examples("npx -y pnpm@12 wd tail", "npx -y pnpm@12 --silent wd tail --failed --json | jq -r .lastError")}`,
    )
    .action(async ({ failed, endpoint }) => {
      // A look that fails is made again anyway.
      const client = cli.client({ maxRetries: 0 });
      const { output, signal } = cli;
      const watch = createWatch({ mostUnfinished: MOST_UNFINISHED });
      const setbacks = createSetbacks(output);
      let hasLooked = false;
      let wasIncomplete = false;
      const show = (delivery: Delivery): void => {
        if (failed && delivery.status !== "failed") return;
        output.jsonLine(delivery);
        output.lines([deliveryLine(delivery, { now: new Date(), paint: output.paint })]);
      };
      while (!signal.aborted) {
        try {
          const { news, isIncomplete } = await look(client, watch, {
            signal,
            endpointId: endpoint,
          });
          if (!hasLooked) output.note("Waiting for deliveries. Ctrl-C ends it.");
          hasLooked = true;
          setbacks.over();
          news.forEach(show);
          if (isIncomplete && !wasIncomplete) {
            output.note("Too many new deliveries at once: not all are shown.");
          }
          wasIncomplete = isIncomplete;
        } catch (error) {
          if (signal.aborted) return;
          if (!hasLooked || !isPassing(error)) throw error;
          setbacks.note(error);
        }
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    });
}
