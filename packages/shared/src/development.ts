/** What production must be given and a developer's machine makes up for itself. */
import { fileURLToPath } from "node:url";
import { loadDevelopmentSecrets } from "./embedded/development-secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Everything that development keeps between starts; ignored by git. */
export const DATA_FOLDER = fileURLToPath(new URL("../../../.data", import.meta.url));

/** `env` with an API key and an encryption key of its own; unchanged in production. */
export function withDevelopmentDefaults(env: Env): Env {
  if (env["NODE_ENV"] === "production") return env;
  if (env["API_KEYS"] && env["ENCRYPTION_KEY"]) return env;
  const { apiKey, encryptionKey } = loadDevelopmentSecrets(DATA_FOLDER);
  return {
    ...env,
    API_KEYS: env["API_KEYS"] || apiKey,
    ENCRYPTION_KEY: env["ENCRYPTION_KEY"] || encryptionKey,
  };
}
