/** Finds a Redis server program, or fetches one; see debian-program.ts. */
import { fetchDebianProgram, PROGRAMS_FOLDER, runs } from "./debian-program.ts";

const PROGRAMS = ["redis-server", "valkey-server"] as const;

/** Answers a command to spawn: a name on PATH, or the path of an unpacked program in `folder`. */
export async function findRedisServer(folder: string = PROGRAMS_FOLDER): Promise<string> {
  for (const program of PROGRAMS) if (await runs(program)) return program;
  try {
    return await fetchRedisServer(folder);
  } catch (error) {
    throw new Error(
      "There is no redis-server or valkey-server on PATH and none could be fetched. Install one " +
        "(Debian, Ubuntu: apt-get install redis-server; Fedora: dnf install valkey; " +
        "macOS: brew install redis), or set REDIS_URL to a running Redis 6.2+ or Valkey.",
      { cause: error },
    );
  }
}

/** Exported for its test: a machine with a Redis on PATH would never get here. */
export async function fetchRedisServer(folder: string): Promise<string> {
  return fetchDebianProgram(folder, { name: "redis-server", packages: PROGRAMS });
}
