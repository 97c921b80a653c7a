/**
 * The API key and the encryption key of a development machine: made on first use, then kept, so that
 * what was encrypted yesterday can be read today. Production gets both from its environment.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readOrCreateFile } from "./kept-file.ts";
import { hasCode } from "./processes.ts";

export interface DevelopmentSecrets {
  readonly apiKey: string;
  /** 32 bytes in base64. */
  readonly encryptionKey: string;
}

const FILE = "development-secrets.json";

/** For who only looks: undefined when none were made yet, or when they are not this user's to read. */
export function findDevelopmentSecrets(folder: string): DevelopmentSecrets | undefined {
  try {
    return parseSecrets(readFileSync(join(folder, FILE), "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "EACCES")) return undefined;
    throw error;
  }
}

export function loadDevelopmentSecrets(folder: string): DevelopmentSecrets {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, FILE);
  const text = readOrCreateFile(path, () => `${JSON.stringify(createSecrets(), null, 2)}\n`);
  const secrets = parseSecrets(text);
  if (secrets) return secrets;
  throw new Error(
    `${path} is damaged. Restore it, or remove it to get new keys; endpoint secrets that were ` +
      "stored with the old encryption key are then lost.",
  );
}

function createSecrets(): DevelopmentSecrets {
  return {
    apiKey: `wd_dev_${randomBytes(24).toString("base64url")}`,
    encryptionKey: randomBytes(32).toString("base64"),
  };
}

function parseSecrets(text: string): DevelopmentSecrets | undefined {
  try {
    const { apiKey, encryptionKey }: Record<string, unknown> = JSON.parse(text);
    if (typeof apiKey !== "string" || typeof encryptionKey !== "string") return undefined;
    const isComplete = apiKey !== "" && Buffer.from(encryptionKey, "base64").length === 32;
    return isComplete ? { apiKey, encryptionKey } : undefined;
  } catch {
    return undefined;
  }
}
