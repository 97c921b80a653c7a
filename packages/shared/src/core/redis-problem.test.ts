import { expect, test } from "vitest";
import { redisProblem } from "./redis-problem.ts";

test.each([
  ["READONLY You can't write against a read only replica.", /replica.*primary/],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", /replica/],
  ["OOM command not allowed when used memory > 'maxmemory'.", /out of memory.*maxmemory/],
  ["MISCONF Redis is configured to save RDB snapshots, but it's unable to.", /save to its disk/],
  ["NOAUTH Authentication required.", /wants a password/],
  ["WRONGPASS invalid username-password pair or user is disabled.", /user or the password/],
  ["ERR invalid password", /user or the password/],
  ["LOADING Redis is loading the dataset in memory", /loading.*wait/],
  ["MOVED 3999 10.0.0.1:6381", /cluster/],
  ["ERR DB index is out of range", /database of the number/],
  ["ERR max number of clients reached", /maxclients/],
  ["ERR unknown command 'bzpopmin', with args beginning with:", /6\.2 or newer/],
  // Redis 6.2 and Redis 7 word it differently.
  ["NOPERM this user has no permissions to run the 'evalsha' command", /NAME \+evalsha\)/],
  ["NOPERM User a has no permissions to run the 'script|load' command", /NAME \+script\|load\)/],
  ["NOPERM No permissions to access a key", /NAME ~mine:\*\)/],
  ["NOPERM this user has no permissions to access one of the channels", /NAME &mine:\*\)/],
])("%s is told with its mend", (message, sentence) => {
  const told = redisProblem([new Error(message)], { prefix: "mine" });
  expect(told).toMatch(sentence);
  expect(told).not.toContain("10.0.0.1");
});

test("several missing rights are one sentence, whatever else went wrong", () => {
  const messages = [
    "NOPERM User a has no permissions to run the 'zadd' command",
    "NOPERM User a has no permissions to run the 'zadd' command",
    "NOPERM No permissions to access a channel",
    "ERR EXEC without MULTI",
  ];
  const told = redisProblem(messages.map((text) => new Error(text)));
  expect(told).toContain("ACL SETUSER NAME +zadd &webhook-delivery-*:*)");
});

test("an unknown error is told by its code, without its text", () => {
  const error = Object.assign(new Error("connect ECONNREFUSED secret-host"), {
    code: "ECONNREFUSED",
  });
  expect(redisProblem([error])).toMatch(/^Redis is not reachable \(ECONNREFUSED\)/);
  expect(redisProblem([error])).not.toContain("secret-host");
  expect(redisProblem([undefined])).toMatch(/^Redis is not reachable:/);
});
