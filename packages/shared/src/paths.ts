import { fileURLToPath } from "node:url";

/** Folder of the numbered SQL files. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL("../../../migrations", import.meta.url));
