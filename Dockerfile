# One image for ingest, worker and migrations; the command decides which:
#   docker run … webhook-delivery                                             ingest (the default)
#   docker run … webhook-delivery node --import tsx apps/worker/src/main.ts   worker
#   docker run … webhook-delivery node --import tsx scripts/migrate.ts        migrations
#   docker run … webhook-delivery node --import tsx scripts/secrets-rotate.ts after a change of ENCRYPTION_KEY

FROM node:24-slim AS build
WORKDIR /app
RUN npm install --global pnpm@12
# The manifests alone first: as long as they stay the same, the installed packages come from the cache.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY patches patches
COPY apps/ingest/package.json apps/ingest/
COPY apps/worker/package.json apps/worker/
COPY apps/cli/package.json apps/cli/
COPY packages/shared/package.json packages/shared/
COPY packages/client/package.json packages/client/
RUN pnpm install --frozen-lockfile --prod
COPY tsconfig.json tsconfig.base.json ./
COPY scripts/migrate.ts scripts/secrets-rotate.ts scripts/
COPY migrations migrations
COPY packages packages
COPY apps apps

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
# Owned by root: the running process can read its own code and not change it.
COPY --from=build /app /app
USER node
EXPOSE 3000
# For ingest; switch it off for the others (compose.yaml does). Alive, not ready: see render.yaml.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# node is process 1, without pnpm or a shell before it: it handles SIGTERM and SIGINT itself, and its
# only child (esbuild, by tsx) ends with it, so no init program is needed.
CMD ["node", "--import", "tsx", "apps/ingest/src/main.ts"]
