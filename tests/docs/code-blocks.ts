/** The code in our pages, so that it can be run. */
import { readFile } from "node:fs/promises";

export async function codeBlocks(path: string, language: string): Promise<string[]> {
  const page = await readFile(path, "utf8");
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return [...page.matchAll(fence)].map(([, code = ""]) => code);
}

export interface CurlCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** The curl commands of a shell block that stand by themselves; `variables` are what the shell has. */
export function curlCalls(block: string, variables: Readonly<Record<string, string>>): CurlCall[] {
  const commands = block.split(/\n(?=curl )/).filter((command) => command.startsWith("curl "));
  return commands.map((command) => toCall(shellWords(command, variables), variables));
}

function toCall(
  words: readonly string[],
  { URL: base = "" }: Readonly<Record<string, string>>,
): CurlCall {
  const headers: Record<string, string> = {};
  let method: string | undefined;
  let body: string | undefined;
  let url = "";
  const left = words.slice(1);
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === "-X") method = left.shift();
    else if (word === "-d") body = left.shift();
    else if (word === "-H") {
      const [name = "", ...value] = (left.shift() ?? "").split(": ");
      headers[name.toLowerCase()] = value.join(": ");
    } else if (word.startsWith(base)) url = word;
    else throw new Error(`what is ${word} in a curl command of ours?`);
  }
  const path = url.slice(base.length);
  return { method: method ?? (body === undefined ? "GET" : "POST"), path, headers, body };
}

/** As a shell takes it apart: quotes, a backslash at a line's end, `$NAME` outside of single quotes. */
function shellWords(command: string, variables: Readonly<Record<string, string>>): string[] {
  const expand = (text: string) =>
    text.replaceAll(/\$([A-Z_]+)/g, (_, name: string) => {
      const value = variables[name];
      if (value === undefined) throw new Error(`nobody sets $${name}`);
      return value;
    });
  const words = command.replaceAll("\\\n", " ").matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g);
  return [...words].map(([, single, double, bare]) => single ?? expand(double ?? bare ?? ""));
}
