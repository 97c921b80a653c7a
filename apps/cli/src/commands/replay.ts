/** `wd replay`: past deliveries made again, in the background of the service. */
import { Option } from "@commander-js/extra-typings";
import type { Client, NewReplay, Replay } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure, usageFailure } from "../failure.ts";
import { examples } from "../help.ts";
import { moment, positiveNumber, spanMs } from "../option-values.ts";
import { createSetbacks } from "../setbacks.ts";
import { replayProgress } from "../show/replay.ts";
import { REPLAYABLE_STATUSES } from "../statuses.ts";
import { waitUntil } from "../wait.ts";

export function addReplay(parent: Parent, cli: Cli): void {
  parent
    .command("replay")
    .summary("make past deliveries again, failed ones by default")
    .description(
      "Makes past deliveries again, failed ones by default, in the background of the service: a new round of attempts for each, with the same webhook-id.",
    )
    .requiredOption("--since <when>", "accepted at or after: 2h, 7d or a time", moment)
    .option("--until <when>", "accepted before", moment)
    .option("--endpoint <id>", "only to this endpoint")
    .option("--event-type <type>", "only of this type")
    .addOption(
      new Option("--status <status>", "only in this state (default failed)").choices(
        REPLAYABLE_STATUSES,
      ),
    )
    .option("--rate <n>", "deliveries per second", positiveNumber)
    .option("--wait", "show how far it is, until it is finished")
    .option("--timeout <span>", "with --wait: give up waiting after 30s, 5m, …", spanMs)
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd replay --since 2h --wait",
        "npx -y pnpm@12 wd replay --since 2026-11-20 --until 2026-11-21 --endpoint ID --rate 20",
      )}`,
    )
    .action(async (options) => {
      if (options.timeout !== undefined && options.wait === undefined) {
        throw usageFailure("--timeout goes with --wait.");
      }
      const { since, until, endpoint, eventType, status, rate } = options;
      const body: NewReplay = {
        since,
        ...(until !== undefined && { until }),
        ...(endpoint !== undefined && { endpointId: endpoint }),
        ...(eventType !== undefined && { eventType }),
        ...(status !== undefined && { deliveryStatus: status }),
        ...(rate !== undefined && { ratePerSecond: rate }),
      };
      const client = cli.client();
      const { output, signal } = cli;
      const { replayId, replay } = await client.deliveries.replay(body, { signal });
      output.lines([`Replay ${replayId}`]);
      if (options.wait === undefined) {
        output.json(replay);
        return output.lines([`  ${replayProgress(replay)}`]);
      }
      output.json(await follow(client, replayId, cli, options.timeout));
    });
}

async function follow(
  client: Client,
  id: string,
  { output, signal, endWith }: Cli,
  timeoutMs: number | undefined,
): Promise<Replay> {
  let told = "";
  const ask = async (whileAsking: AbortSignal): Promise<Replay> => {
    const replay = await client.deliveries.getReplay(id, { signal: whileAsking });
    const progress = replayProgress(replay);
    if (progress !== told) output.lines([`  ${progress}`]);
    told = progress;
    return replay;
  };
  try {
    const options = { signal, timeoutMs, setbacks: createSetbacks(output), what: `Replay ${id}` };
    const replay = await waitUntil(ask, ({ state }) => state !== "running", options);
    if (replay.state !== "completed") endWith(EXIT.failed);
    return replay;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Failure(EXIT.interrupted, "interrupted", `Interrupted; replay ${id} goes on.`);
  }
}
