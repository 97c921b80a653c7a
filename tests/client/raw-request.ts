/** Requests that no HTTP client would send: half of one, or one that says another length. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

function reach(url: string): Socket {
  return connect(Number(new URL(url).port), "127.0.0.1").setEncoding("utf8");
}

function request(url: string, header: string, body: string): string {
  const lines = [
    `POST ${new URL(url).pathname} HTTP/1.1`,
    "Host: receiver",
    "Content-Type: application/json",
    header,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** Sends that much and leaves. */
export async function sendAndLeave(url: string, header: string, body: string): Promise<void> {
  const socket = reach(url);
  await new Promise((resolve) => socket.write(request(url, header, body), resolve));
  socket.destroy();
  await once(socket, "close");
}

/** How the answer begins, while the sender would still send more. */
export async function answerTo(url: string, header: string, body = ""): Promise<string> {
  const socket = reach(url);
  const answered = once(socket, "data");
  socket.write(request(url, header, body));
  const [text] = (await answered) as [string];
  socket.destroy();
  return text;
}

/** One chunk of `Transfer-Encoding: chunked`. */
export function chunkOf(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
