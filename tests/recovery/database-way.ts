/** A proxy before the PostgreSQL of the tests. */
import { inject } from "vitest";
import { startProxy, type TcpProxy } from "../chaos/proxy.ts";

export interface DatabaseWay extends AsyncDisposable {
  readonly proxy: TcpProxy;
}

export function databasePort(): number {
  return Number(new URL(inject("servers").postgresUrl).port);
}

export async function startDatabaseWay(): Promise<DatabaseWay> {
  const proxy = await startProxy(databasePort());
  return { proxy, [Symbol.asyncDispose]: () => proxy.close() };
}

/** `url` with another port. */
export function throughPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
