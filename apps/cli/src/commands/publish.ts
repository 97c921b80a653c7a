/** `wd publish`: an event, to every endpoint that subscribes to it. */
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { readJson } from "../json-input.ts";
import { visible } from "../text/visible.ts";

export function addPublish(parent: Parent, cli: Cli): void {
  parent
    .command("publish")
    .summary("publish an event to every endpoint that subscribes to it")
    .description("Publishes an event: one delivery for each endpoint that subscribes to it.")
    .argument("<type>", "of the event, such as message.received")
    .requiredOption("--data <json>", "any JSON; @file reads a file, - reads standard input")
    .option("--source <source>", "where it comes from: a phone number, an instance")
    .option("--event-id <id>", "your own id: published again with it, it is the same event")
    .addHelpText(
      "after",
      `\n${examples(`npx -y pnpm@12 wd publish message.received --data '{"text":"Hello"}'`)}`,
    )
    .action(async (type, { data: text, source, eventId }) => {
      const client = cli.client();
      const { output, signal } = cli;
      const data = await readJson({ option: "--data", text }, cli.surroundings.readStdin);
      const event = {
        type,
        data,
        ...(source !== undefined && { source }),
        ...(eventId !== undefined && { eventId }),
      };
      const published = await client.publish(event, { signal });
      output.json(published);
      const { deliveries, disabled, matched } = published;
      output.lines([
        `Published ${visible(published.eventId)}; endpoints that subscribe: ${matched}`,
        ...deliveries.map((id) => `  ${id}`),
        ...disabled.map((id) => `  ${id}  not sent: its endpoint is disabled`),
      ]);
    });
}
