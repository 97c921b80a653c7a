/** Counts deliveries, in a process of its own. Says its port, then how many different ones came, on request. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const seen = new Set<string>();
let requests = 0;
const server = createServer((request, response) => {
  requests++;
  seen.add(String(request.headers["webhook-id"]));
  request.resume().on("end", () => response.end());
});
server.listen(0, "127.0.0.1", 4_096, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on("message", (command: "count" | "forget") => {
  if (command === "forget") {
    seen.clear();
    requests = 0;
  }
  process.send?.({ distinct: seen.size, requests });
});
process.on("disconnect", () => process.exit());
