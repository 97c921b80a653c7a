/** `wd endpoints test|enable|disable|delete`. */
import type { Cli, Parent } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure, usageFailure } from "../failure.ts";
import { examples } from "../help.ts";
import { describeAttempt } from "../show/delivery.ts";
import { endpointLine, missedLines } from "../show/endpoint.ts";
import { visible } from "../text/visible.ts";

export function addEndpointActions(parent: Parent, cli: Cli): void {
  addTest(parent, cli);
  addEnable(parent, cli);
  addDisable(parent, cli);
  addDelete(parent, cli);
}

function addTest(parent: Parent, cli: Cli): void {
  parent
    .command("test")
    .summary("send it one signed sample now; 1 when it was not delivered")
    .description("Sends an endpoint one signed sample now. Exit code 1 when it was not delivered.")
    .argument("<id>", "of the endpoint")
    .option("--event-type <type>", "default: the first it subscribes to, else lead.captured")
    .addHelpText(
      "after",
      `\n${examples("npx -y pnpm@12 wd endpoints test ID --event-type message.received")}`,
    )
    .action(async (id, { eventType }) => {
      const { output, signal } = cli;
      const body = eventType === undefined ? {} : { eventType };
      const result = await cli.client().endpoints.test(id, body, { signal });
      const { delivered, delivery, attempt } = result;
      output.json(result);
      const { paint } = output;
      output.lines([
        `${delivered ? paint("green", "Delivered") : paint("red", "Not delivered")}: ${delivery.id}`,
        ...(attempt === null ? [] : describeAttempt(attempt, { now: new Date(), paint })),
      ]);
      if (!delivered) cli.endWith(EXIT.failed);
    });
}

function addEnable(parent: Parent, cli: Cli): void {
  parent
    .command("enable")
    .summary("enable it, and say what it missed")
    .description("Enables an endpoint, and says what it missed.")
    .argument("<id>", "of the endpoint")
    .addHelpText("after", `\n${examples("npx -y pnpm@12 wd endpoints enable ID")}`)
    .action(async (id) => {
      const { output, signal } = cli;
      const { endpoint, missed } = await cli.client().endpoints.enable(id, { signal });
      output.json({ ...endpoint, missed });
      output.lines([endpointLine(endpoint, output.paint), ...missedLines(endpoint.id, missed)]);
    });
}

function addDisable(parent: Parent, cli: Cli): void {
  parent
    .command("disable")
    .summary("disable it: what is pending for it fails, and can be replayed")
    .description("Disables an endpoint: what is pending for it fails, and can be replayed.")
    .argument("<id>", "of the endpoint")
    .addHelpText("after", `\n${examples("npx -y pnpm@12 wd endpoints disable ID")}`)
    .action(async (id) => {
      const { output, signal } = cli;
      const endpoint = await cli.client().endpoints.disable(id, { signal });
      output.json(endpoint);
      output.lines([endpointLine(endpoint, output.paint)]);
    });
}

function addDelete(parent: Parent, cli: Cli): void {
  parent
    .command("delete")
    .summary("remove it; what is pending for it is cancelled")
    .description("Removes an endpoint. What is pending for it is cancelled; the history stays.")
    .argument("<id>", "of the endpoint")
    .option("--yes", "without asking; needed where nobody can be asked")
    .addHelpText("after", `\n${examples("npx -y pnpm@12 wd endpoints delete ID")}`)
    .action(async (id, { yes }) => {
      const { output, signal } = cli;
      const client = cli.client();
      if (!yes)
        await requireYes(id, cli, async () => (await client.endpoints.get(id, { signal })).url);
      const { cancelled } = await client.endpoints.delete(id, { signal });
      output.json({ id, cancelled });
      output.lines([`Removed ${visible(id)}; ${cancelled} deliveries cancelled`]);
    });
}

async function requireYes(id: string, cli: Cli, readUrl: () => Promise<string>): Promise<void> {
  const { ask } = cli.surroundings;
  if (ask === undefined || cli.output.isJson) {
    throw usageFailure("To remove an endpoint without being asked, give --yes.");
  }
  const answer = await ask(`Remove ${visible(id)} (${visible(await readUrl())})? y/N `);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new Failure(EXIT.failed, "not_confirmed", "Nothing was removed.");
}
