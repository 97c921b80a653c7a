/**
 * Generated from the service's OpenAPI document by `pnpm client:types`. Do not edit: change the
 * schemas of apps/ingest and run it again.
 */

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process runs */
        get: operations["getHealthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** It can do its work, or what is missing */
        get: operations["getReadyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Prometheus metrics */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Statistics over the last days, and what is not finished now */
        get: operations["getWebhookDeliveryStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove old finished deliveries and their attempts
         * @description Only what is finished is removed, and what came with an Idempotency-Key only after 24 hours. Works for about four seconds; hasMore says whether to call again.
         */
        delete: operations["deleteWebhookDeliveryLogs"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List deliveries, newest first */
        get: operations["getWebhookDelivery"];
        put?: never;
        /**
         * Accept a delivery
         * @description 202 means: committed, and delivered, retried or explained from here on.
         */
        post: operations["postWebhookDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One delivery with its payload, the body as it is sent, and all its attempts */
        get: operations["getWebhookDeliveryById"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The attempts of a delivery, oldest first */
        get: operations["getWebhookDeliveryByIdLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start a new round of attempts for a finished delivery */
        post: operations["postWebhookDeliveryByIdRetry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel a pending delivery: it never leaves */
        post: operations["postWebhookDeliveryByIdCancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Accept up to 1,000 deliveries, each by itself
         * @description Results come in the order of the request; paths in an error begin with `deliveries[3]`. A payload may be as large as in a request of its own, all together 20 times that. With the header `Idempotency-Key: K` the items have the keys `K/0`, `K/1` and so on; an item's own `idempotencyKey` goes before. Items that could not be written have the code `unavailable`, and the answer is 503 when there was none that could.
         */
        post: operations["postWebhookDeliveryBatch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook-delivery/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make past deliveries again
         * @description Starts a new round of attempts for each, with the same webhook-id, in the order of acceptance. It goes on in the background, also over restarts.
         */
        post: operations["postWebhookDeliveryReplay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/replays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List replays, newest first */
        get: operations["getReplays"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/replays/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One replay and how far it has come */
        get: operations["getReplaysById"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/replays/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop a replay
         * @description What it has started goes on; nothing more is started.
         */
        post: operations["postReplaysByIdCancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an endpoint a test
         * @description Makes one attempt with an example of the event type and waits for its result. It is a delivery like any other, with isTestDelivery, and takes no part in an ordered endpoint's line. A disabled endpoint is tested all the same. 503 when no worker took it in time; it is cancelled then.
         */
        post: operations["postEndpointsByIdTest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhook/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test to any URL
         * @description Makes one attempt with an example of the event type and waits for its result. It is a delivery like any other, with isTestDelivery, and takes no part in an ordered endpoint's line. A disabled endpoint is tested all the same. 503 when no worker took it in time; it is cancelled then.
         */
        post: operations["postWebhookTest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/formats/{format}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The body that a delivery would have
         * @description Takes what POST /webhook-delivery takes, needs neither webhookUrl nor endpointId, stores nothing and sends nothing. In the format `auto` the webhookUrl or the endpoint decides, without them it is standard.
         */
        post: operations["postFormatsByFormatPreview"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List endpoints, newest first */
        get: operations["getEndpoints"];
        put?: never;
        /**
         * Register an endpoint
         * @description The secret is in this answer and in those of a rotation, and nowhere else.
         */
        post: operations["postEndpoints"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/by-source/{source}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Register or update the one endpoint of a source
         * @description One per client and source, for instance a phone number. It gets the events of that source, and of those that `sources` names; an empty list means every source. 201 with its secret when it was not there.
         */
        put: operations["putEndpointsBySourceBySource"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One endpoint */
        get: operations["getEndpointsById"];
        put?: never;
        post?: never;
        /**
         * Remove an endpoint
         * @description Deliveries that wait for it end as cancelled; the history stays.
         */
        delete: operations["deleteEndpointsById"];
        options?: never;
        head?: never;
        /**
         * Change an endpoint
         * @description Its URL, secret, headers, timeout, attempts and schedule hold from the next attempt on, also for deliveries that wait. Their bodies stay as they are: the format holds for new ones.
         */
        patch: operations["patchEndpointsById"];
        trace?: never;
    };
    "/endpoints/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give it a new secret
         * @description Until the grace period ends every attempt carries a signature with each.
         */
        post: operations["postEndpointsByIdRotateSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enable it
         * @description Says what it missed, and how to send that again.
         */
        post: operations["postEndpointsByIdEnable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Disable it
         * @description From now on its deliveries fail as endpoint_disabled without an attempt, and can be replayed.
         */
        post: operations["postEndpointsByIdDisable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Statistics of one endpoint */
        get: operations["getEndpointsByIdStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The deliveries of one endpoint, newest first */
        get: operations["getEndpointsByIdDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/destinations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List destinations and their state
         * @description Those to which something was sent. A client sees those of its own endpoints.
         */
        get: operations["getDestinations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/destinations/{destination}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One destination and its state
         * @description A client sees its own endpoints, and a URL without an endpoint while deliveries of its own wait for it.
         */
        get: operations["getDestinationsByDestination"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Publish an event
         * @description Makes one delivery for each endpoint of its client that subscribes to its type and source, all or none. An event that nobody subscribes to is stored (`matched: 0`). The same eventId again: 200 with the first deliveries; with another type, source or data: 409. The header Idempotency-Key is the eventId where the body has none.
         */
        post: operations["postEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One event and its deliveries */
        get: operations["getEventsById"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhooks/outbox-trigger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take one row of the outbox now
         * @description For a Supabase Database Webhook on outbox_messages. Only `record.id` is read; repetitions change nothing. Rows that stand before it are taken with it. Without OUTBOX_SECRET: 404.
         */
        post: operations["postWebhooksOutboxTrigger"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/cron/outbox-worker": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take everything that is due in the outbox
         * @description For a scheduler. Takes rows for up to 5 s and waits up to 3 s for their first attempts. Without CRON_SECRET: 404.
         */
        post: operations["postCronOutboxWorker"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List clients, newest first */
        get: operations["getClients"];
        put?: never;
        /**
         * Make a client and its first key
         * @description The key sees and touches only what belongs to this client.
         */
        post: operations["postClients"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One client with its keys */
        get: operations["getClientsById"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Rename a client */
        patch: operations["patchClientsById"];
        trace?: never;
    };
    "/clients/{id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make another key for a client
         * @description The others stay valid: to replace a key, make a new one, then revoke it.
         */
        post: operations["postClientsByIdKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{id}/keys/{keyId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a key
         * @description It opens nothing from the next request on. Again: the same answer.
         */
        delete: operations["deleteClientsByIdKeysByKeyId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/leads/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One lead */
        get: operations["getLeadsById"];
        /**
         * Write a lead
         * @description Makes it, or changes just the fields that are given: null clears one. Deliveries that were accepted before keep the lead as it was.
         */
        put: operations["putLeadsById"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/event-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The event types that we know, with an example of each
         * @description Events of other types are accepted and delivered just the same.
         */
        get: operations["getEventTypes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["getOpenapiJson"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Attempt: {
            id: string;
            /** Format: uuid */
            deliveryId: string;
            attemptNumber: number;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            attemptedAt: string;
            durationMs: number;
            requestUrl: string | null;
            requestHeaders: {
                [key: string]: string;
            } | null;
            responseStatus: number | null;
            responseHeaders: {
                [key: string]: string;
            } | null;
            responseBody: string | null;
            error: string | null;
            errorType: ("network" | "timeout" | "http" | "blocked" | "internal" | "interrupted") | null;
            willRetry: boolean;
            retryAt: string | null;
        };
        Delivery: {
            /** Format: uuid */
            id: string;
            clientId: string | null;
            endpointId: string | null;
            leadId: string | null;
            eventType: string;
            /** @description Query string masked. */
            webhookUrl: string;
            /** @enum {string} */
            format: "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
            /** @enum {string} */
            status: "pending" | "sent" | "success" | "failed" | "cancelled";
            /** @description Attempts made, with the one in flight. */
            attempt: number;
            maxAttempts: number;
            responseStatus: number | null;
            responseBody: string | null;
            lastError: string | null;
            errorType: ("network" | "timeout" | "http" | "blocked" | "internal" | "interrupted" | "endpoint_disabled") | null;
            sentAt: string | null;
            nextRetryAt: string | null;
            deliveredAt: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            updatedAt: string;
            isTestDelivery: boolean;
            metadata: {
                [key: string]: unknown;
            } | null;
        };
        DeliveryWithAttempts: {
            /** Format: uuid */
            id: string;
            clientId: string | null;
            endpointId: string | null;
            leadId: string | null;
            eventType: string;
            /** @description Query string masked. */
            webhookUrl: string;
            /** @enum {string} */
            format: "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
            /** @enum {string} */
            status: "pending" | "sent" | "success" | "failed" | "cancelled";
            /** @description Attempts made, with the one in flight. */
            attempt: number;
            maxAttempts: number;
            responseStatus: number | null;
            responseBody: string | null;
            lastError: string | null;
            errorType: ("network" | "timeout" | "http" | "blocked" | "internal" | "interrupted" | "endpoint_disabled") | null;
            sentAt: string | null;
            nextRetryAt: string | null;
            deliveredAt: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            updatedAt: string;
            isTestDelivery: boolean;
            metadata: {
                [key: string]: unknown;
            } | null;
            payload: unknown;
            /** @description What is sent, byte for byte in UTF-8: the payload in the delivery's format. The signature is of this. A format that makes several calls derives theirs from it. */
            body: string;
            attempts: components["schemas"]["Attempt"][];
        };
        Endpoint: {
            /** Format: uuid */
            id: string;
            clientId: string | null;
            name: string | null;
            url: string;
            source: string | null;
            eventTypes: string[];
            sources: string[];
            /** @enum {string} */
            format: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
            /** @description Values masked. */
            headers: {
                [key: string]: string;
            };
            tls: {
                certificate: string | null;
                privateKey: string | null;
                ca: string | null;
            } | null;
            maxAttempts: number | null;
            retryScheduleSeconds: number[] | null;
            timeoutMs: number | null;
            rateLimitPerSecond: number | null;
            maxInFlight: number | null;
            ordered: boolean;
            enabled: boolean;
            metadata: {
                [key: string]: unknown;
            } | null;
            /**
             * @description failing: enabled, and its latest attempt failed.
             * @enum {string}
             */
            status: "active" | "failing" | "disabled";
            disabledReason: ("manual" | "gone" | "failing") | null;
            disabledAt: string | null;
            circuit: {
                /**
                 * @description closed: it gets what is due. open: nothing but a probe now and then. half_open: it is back, and gets more and more.
                 * @enum {string}
                 */
                state: "closed" | "open" | "half_open";
                reason: string | null;
                since: string | null;
                failuresInARow: number;
                /** @description Its latest attempt took longer than a second. */
                isSlow: boolean;
                /**
                 * @description main: with the others. side: beside them, so that it cannot keep them waiting.
                 * @enum {string}
                 */
                lane: "main" | "side";
                nextProbeAt: string | null;
                pausedUntil: string | null;
                ratePerSecond: number | null;
                /** @description Deliveries that wait because of its state. */
                heldBack: number;
                /** @description There are more than that. */
                heldBackIsCapped?: boolean;
            } | null;
            /** @description Attempts that failed since the last success. */
            failureCount: number;
            failingSince: string | null;
            lastError: string | null;
            lastAttemptAt: string | null;
            lastSuccessAt: string | null;
            successRate: number | null;
            /** @description Its deliveries, of whatever state. */
            totalEvents: number;
            rotationEndsAt: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            updatedAt: string;
        };
        Replay: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            state: "running" | "completed" | "cancelled";
            matched: number | null;
            /** @description A new round of attempts was started for so many. */
            replayed: number;
            /** @description Passed over: the endpoint is disabled or gone, or they moved on by themselves meanwhile. */
            skipped: number;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            since: string;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            until: string;
            endpointId: string | null;
            eventType: string | null;
            clientId: string | null;
            /** @enum {string} */
            deliveryStatus: "failed" | "success" | "cancelled";
            ratePerSecond: number;
            /**
             * Format: date-time
             * @example 2026-11-21T10:00:00.000Z
             */
            createdAt: string;
            finishedAt: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getHealthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getReadyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        checks: {
                            [key: string]: string;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Prometheus text format */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    getWebhookDeliveryStats: {
        parameters: {
            query?: {
                /** @description How far to look back. */
                days?: number;
                /** @description Only what goes to this endpoint. */
                endpointId?: string;
                /** @description For operators: only this client's. A client's key sees its own anyway. */
                clientId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        days: number;
                        /**
                         * Format: date-time
                         * @description Where the window starts: `days` ago, at the full hour before.
                         * @example 2026-11-21T10:00:00.000Z
                         */
                        since: string;
                        /** @description Now, whenever accepted: due, in flight, due later (or behind another delivery of an ordered endpoint). */
                        queue: {
                            waiting: number;
                            active: number;
                            delayed: number;
                            paused: number;
                            oldestWaitingMs: number | null;
                        };
                        /** @description Accepted in the window, by their status now. Exact: the same as a count over the rows. */
                        deliveries: {
                            pending: number;
                            sent: number;
                            success: number;
                            failed: number;
                            cancelled: number;
                            total: number;
                        };
                        /** @description Attempts per second over the last minute. */
                        jobsPerSecond: number;
                        successRate: number | null;
                        averageRetries: number | null;
                        failed: number;
                        /** @description How long the attempts in the window took, of those a receiver had a part in. Read from a histogram: exact up to 50 ms, beyond that at most 5 % off. */
                        latencyMs: {
                            p50: number | null;
                            p95: number | null;
                            p99: number | null;
                        };
                        /** @description The ten most frequent event types in the window. */
                        topEvents: {
                            eventType: string;
                            total: number;
                            success: number;
                            failed: number;
                        }[];
                        /** @description Now: accepted and not finished. */
                        undelivered: {
                            count: number;
                            oldestAgeMs: number | null;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    deleteWebhookDeliveryLogs: {
        parameters: {
            query?: {
                /** @description Accepted and last changed at least so long ago; 0: everything finished. 30 unless given. */
                days?: number;
                /** @description Only what goes to this endpoint. */
                endpointId?: string;
                /** @description For operators: only this client's. A client's key sees its own anyway. */
                clientId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Or the same as query parameters; the body decides where both say something. */
        requestBody: {
            content: {
                "application/json": {
                    /** @description Accepted and last changed at least so long ago; 0: everything finished. 30 unless given. */
                    days?: number;
                    /**
                     * Format: uuid
                     * @description Only what goes to this endpoint.
                     */
                    endpointId?: string;
                    /**
                     * Format: uuid
                     * @description For operators: only this client's. A client's key sees its own anyway.
                     */
                    clientId?: string;
                } | null;
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /**
                         * @description Deliveries.
                         * @example 1250
                         */
                        deleted: number;
                        hasMore: boolean;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getWebhookDelivery: {
        parameters: {
            query?: {
                deliveryId?: string;
                leadId?: string;
                endpointId?: string;
                clientId?: string;
                eventType?: string;
                deliveryStatus?: "pending" | "sent" | "success" | "failed" | "cancelled";
                status?: "pending" | "sent" | "success" | "failed" | "cancelled";
                since?: string;
                until?: string;
                /** @description An id, or how a lead id, an event type or a URL begins. */
                q?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        deliveries: components["schemas"]["Delivery"][];
                        /** @example 1 */
                        total: number;
                        /** @description There are more than `total`: it is counted up to 10,000. */
                        totalIsCapped?: boolean;
                        /** @description For the query parameter `cursor` of the next page; null on the last one. */
                        nextCursor: string | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postWebhookDelivery: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description webhookUrl or endpointId, and one of leadId, payload or test. */
        requestBody: {
            content: {
                "application/json": {
                    webhookUrl?: string | null;
                    endpointId?: string | null;
                    webhookSecret?: string | null;
                    leadId?: string | null;
                    /** @description Written to the leads table under leadId; absent fields stay as they are. */
                    lead?: {
                        email?: string | null;
                        firstName?: string | null;
                        lastName?: string | null;
                        linkedinId?: string | null;
                        linkedinUrl?: string | null;
                        company?: string | null;
                        title?: string | null;
                        source?: string | null;
                        capturedAt?: string | null;
                        customFields?: {
                            [key: string]: unknown;
                        } | null;
                    } | null;
                    campaignName?: string | null;
                    customFields?: {
                        [key: string]: unknown;
                    } | null;
                    /** @description Any JSON, sent on exactly as it is spelled here. */
                    payload?: unknown;
                    /**
                     * @default lead.captured
                     * @example lead.captured
                     */
                    eventType?: string;
                    /**
                     * @default auto
                     * @enum {string}
                     */
                    format?: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                    maxAttempts?: number | null;
                    metadata?: {
                        [key: string]: unknown;
                    } | null;
                    /** @description Send a sample lead. */
                    test?: boolean;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        delivery: components["schemas"]["Delivery"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        delivery: components["schemas"]["Delivery"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getWebhookDeliveryById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        delivery: components["schemas"]["DeliveryWithAttempts"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getWebhookDeliveryByIdLogs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        logs: components["schemas"]["Attempt"][];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postWebhookDeliveryByIdRetry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        delivery: components["schemas"]["Delivery"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postWebhookDeliveryByIdCancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        delivery: components["schemas"]["Delivery"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postWebhookDeliveryBatch: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    deliveries: {
                        webhookUrl?: string | null;
                        endpointId?: string | null;
                        webhookSecret?: string | null;
                        leadId?: string | null;
                        /** @description Written to the leads table under leadId; absent fields stay as they are. */
                        lead?: {
                            email?: string | null;
                            firstName?: string | null;
                            lastName?: string | null;
                            linkedinId?: string | null;
                            linkedinUrl?: string | null;
                            company?: string | null;
                            title?: string | null;
                            source?: string | null;
                            capturedAt?: string | null;
                            customFields?: {
                                [key: string]: unknown;
                            } | null;
                        } | null;
                        campaignName?: string | null;
                        customFields?: {
                            [key: string]: unknown;
                        } | null;
                        /** @description Any JSON, sent on exactly as it is spelled here. */
                        payload?: unknown;
                        /**
                         * @default lead.captured
                         * @example lead.captured
                         */
                        eventType?: string;
                        /**
                         * @default auto
                         * @enum {string}
                         */
                        format?: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                        maxAttempts?: number | null;
                        metadata?: {
                            [key: string]: unknown;
                        } | null;
                        /** @description Send a sample lead. */
                        test?: boolean;
                        idempotencyKey?: string | null;
                    }[];
                };
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /** @description In the order of the request. */
                        results: ({
                            /** @enum {string} */
                            status: "success";
                            delivery: components["schemas"]["Delivery"];
                            /** @description An earlier request with the same key had made it. */
                            idempotencyReplayed?: boolean;
                            /** @description Fields of the request that are not known and were ignored. */
                            warnings?: {
                                field: string;
                                message: string;
                            }[];
                        } | {
                            /** @enum {string} */
                            status: "error";
                            error: {
                                /** @description Stable: branch on it. */
                                code: string;
                                message: string;
                                details?: {
                                    field: string;
                                    message: string;
                                }[];
                            };
                        })[];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postWebhookDeliveryReplay: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Format: date-time
                     * @description Accepted at or after.
                     * @example 2026-11-21T08:00:00.000Z
                     */
                    since: string;
                    until?: string | null;
                    endpointId?: string | null;
                    eventType?: string | null;
                    clientId?: string | null;
                    /**
                     * @description Which state they must be in now, and when their turn comes.
                     * @default failed
                     * @enum {string}
                     */
                    deliveryStatus?: "failed" | "success" | "cancelled";
                    ratePerSecond?: number | null;
                };
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /**
                         * Format: uuid
                         * @example 019aa5b0-7c00-7000-8000-0000000000f1
                         */
                        replayId: string;
                        replay: components["schemas"]["Replay"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getReplays: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        replays: components["schemas"]["Replay"][];
                        /** @example 1 */
                        total: number;
                        /** @description There are more than `total`: it is counted up to 10,000. */
                        totalIsCapped?: boolean;
                        /** @description For the query parameter `cursor` of the next page; null on the last one. */
                        nextCursor: string | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getReplaysById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        replay: components["schemas"]["Replay"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postReplaysByIdCancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        replay: components["schemas"]["Replay"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postEndpointsByIdTest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Default: the first that the endpoint subscribes to by its full name, else the first known type that one of its patterns takes, else lead.captured.
                     * @example message.received
                     */
                    eventType?: string;
                    /** @description Any JSON, instead of the example of the event type. In the format whatsapp there must be one. */
                    payload?: unknown;
                } | null;
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /** @description The receiver answered 2xx. */
                        delivered: boolean;
                        delivery: components["schemas"]["Delivery"];
                        attempt: components["schemas"]["Attempt"] | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postWebhookTest: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example https://example.com/webhooks */
                    url: string;
                    secret?: string | null;
                    /**
                     * @description Default: lead.captured.
                     * @example message.received
                     */
                    eventType?: string;
                    /**
                     * @default auto
                     * @enum {string}
                     */
                    format?: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                    /** @description Any JSON, instead of the example of the event type. In the format whatsapp there must be one. */
                    payload?: unknown;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /** @description The receiver answered 2xx. */
                        delivered: boolean;
                        delivery: components["schemas"]["Delivery"];
                        attempt: components["schemas"]["Attempt"] | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postFormatsByFormatPreview: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                format: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
            };
            cookie?: never;
        };
        /** @description webhookUrl or endpointId, and one of leadId, payload or test. */
        requestBody: {
            content: {
                "application/json": {
                    webhookUrl?: string | null;
                    endpointId?: string | null;
                    webhookSecret?: string | null;
                    leadId?: string | null;
                    /** @description Written to the leads table under leadId; absent fields stay as they are. */
                    lead?: {
                        email?: string | null;
                        firstName?: string | null;
                        lastName?: string | null;
                        linkedinId?: string | null;
                        linkedinUrl?: string | null;
                        company?: string | null;
                        title?: string | null;
                        source?: string | null;
                        capturedAt?: string | null;
                        customFields?: {
                            [key: string]: unknown;
                        } | null;
                    } | null;
                    campaignName?: string | null;
                    customFields?: {
                        [key: string]: unknown;
                    } | null;
                    /** @description Any JSON, sent on exactly as it is spelled here. */
                    payload?: unknown;
                    /**
                     * @default lead.captured
                     * @example lead.captured
                     */
                    eventType?: string;
                    /**
                     * @default auto
                     * @enum {string}
                     */
                    format?: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                    maxAttempts?: number | null;
                    metadata?: {
                        [key: string]: unknown;
                    } | null;
                    /** @description Send a sample lead. */
                    test?: boolean;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /**
                         * @example standard
                         * @enum {string}
                         */
                        format: "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                        /**
                         * @description What is sent, byte for byte in UTF-8: the payload in the delivery's format. The signature is of this. A format that makes several calls derives theirs from it.
                         * @example {"event":"lead.captured","data":{}}
                         */
                        body: string;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getEndpoints: {
        parameters: {
            query?: {
                clientId?: string;
                source?: string;
                status?: "active" | "failing" | "disabled";
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoints: components["schemas"]["Endpoint"][];
                        /** @example 1 */
                        total: number;
                        /** @description There are more than `total`: it is counted up to 10,000. */
                        totalIsCapped?: boolean;
                        /** @description For the query parameter `cursor` of the next page; null on the last one. */
                        nextCursor: string | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postEndpoints: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Private addresses are refused, as for any delivery.
                     * @example https://example.com/webhooks
                     */
                    url: string;
                    secret?: string | null;
                    name?: string | null;
                    /** @description Exact types and `prefix.*`; empty: all. */
                    eventTypes?: string[];
                    /** @description Only events of these sources (phone numbers, instances); empty: all. */
                    sources?: string[];
                    /**
                     * @default auto
                     * @enum {string}
                     */
                    format?: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                    headers?: {
                        [key: string]: string;
                    } | null;
                    tls?: {
                        certificate?: string | null;
                        privateKey?: string | null;
                        ca?: string | null;
                    } | null;
                    maxAttempts?: number | null;
                    retryScheduleSeconds?: number[] | null;
                    timeoutMs?: number | null;
                    rateLimitPerSecond?: number | null;
                    maxInFlight?: number | null;
                    /** @description One delivery at a time, in the order of acceptance; a failing one holds those behind it until it is final. */
                    ordered?: boolean;
                    enabled?: boolean;
                    metadata?: {
                        [key: string]: unknown;
                    } | null;
                    clientId?: string | null;
                };
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        /**
                         * @description Shown now and never again.
                         * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                         */
                        secret: string;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    putEndpointsBySourceBySource: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                source: string;
            };
            cookie?: never;
        };
        /** @description `url` is needed to register; afterwards only what is given changes. */
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Private addresses are refused, as for any delivery.
                     * @example https://example.com/webhooks
                     */
                    url?: string;
                    secret?: string | null;
                    name?: string | null;
                    /** @description Exact types and `prefix.*`; empty: all. */
                    eventTypes?: string[];
                    /** @description Only events of these sources (phone numbers, instances); empty: all. */
                    sources?: string[];
                    /**
                     * @default auto
                     * @enum {string}
                     */
                    format?: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                    headers?: {
                        [key: string]: string;
                    } | null;
                    tls?: {
                        certificate?: string | null;
                        privateKey?: string | null;
                        ca?: string | null;
                    } | null;
                    maxAttempts?: number | null;
                    retryScheduleSeconds?: number[] | null;
                    timeoutMs?: number | null;
                    rateLimitPerSecond?: number | null;
                    maxInFlight?: number | null;
                    /** @description One delivery at a time, in the order of acceptance; a failing one holds those behind it until it is final. */
                    ordered?: boolean;
                    enabled?: boolean;
                    metadata?: {
                        [key: string]: unknown;
                    } | null;
                    clientId?: string | null;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        /**
                         * @description Shown now and never again.
                         * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                         */
                        secret: string;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getEndpointsById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    deleteEndpointsById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /** @example 0 */
                        cancelled: number;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    patchEndpointsById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description Only what is given changes. */
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Private addresses are refused, as for any delivery.
                     * @example https://example.com/webhooks
                     */
                    url?: string;
                    secret?: string | null;
                    name?: string | null;
                    /** @description Exact types and `prefix.*`; empty: all. */
                    eventTypes?: string[];
                    /** @description Only events of these sources (phone numbers, instances); empty: all. */
                    sources?: string[];
                    /**
                     * @default auto
                     * @enum {string}
                     */
                    format?: "auto" | "standard" | "zapier" | "make" | "convertkit" | "whatsapp" | "raw";
                    headers?: {
                        [key: string]: string;
                    } | null;
                    tls?: {
                        certificate?: string | null;
                        privateKey?: string | null;
                        ca?: string | null;
                    } | null;
                    maxAttempts?: number | null;
                    retryScheduleSeconds?: number[] | null;
                    timeoutMs?: number | null;
                    rateLimitPerSecond?: number | null;
                    maxInFlight?: number | null;
                    /** @description One delivery at a time, in the order of acceptance; a failing one holds those behind it until it is final. */
                    ordered?: boolean;
                    enabled?: boolean;
                    metadata?: {
                        [key: string]: unknown;
                    } | null;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postEndpointsByIdRotateSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @default 86400 */
                    gracePeriodSeconds?: number;
                    secret?: string | null;
                } | null;
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        /**
                         * @description Shown now and never again.
                         * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                         */
                        secret: string;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postEndpointsByIdEnable: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        missed: {
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            since: string;
                            /** @description Failed since then, counted up to 10,000. */
                            deliveries: number;
                            /** @description The body for POST /webhook-delivery/replay that sends them again. */
                            replay: {
                                /**
                                 * Format: date-time
                                 * @example 2026-11-21T10:00:00.000Z
                                 */
                                since: string;
                                /** Format: uuid */
                                endpointId: string;
                                /** @enum {string} */
                                deliveryStatus: "failed";
                            };
                        } | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postEndpointsByIdDisable: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        endpoint: components["schemas"]["Endpoint"];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getEndpointsByIdStats: {
        parameters: {
            query?: {
                /** @description How far to look back. */
                days?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        days: number;
                        /**
                         * Format: date-time
                         * @description Where the window starts: `days` ago, at the full hour before.
                         * @example 2026-11-21T10:00:00.000Z
                         */
                        since: string;
                        /** @description Now, whenever accepted: due, in flight, due later (or behind another delivery of an ordered endpoint). */
                        queue: {
                            waiting: number;
                            active: number;
                            delayed: number;
                            paused: number;
                            oldestWaitingMs: number | null;
                        };
                        /** @description Accepted in the window, by their status now. Exact: the same as a count over the rows. */
                        deliveries: {
                            pending: number;
                            sent: number;
                            success: number;
                            failed: number;
                            cancelled: number;
                            total: number;
                        };
                        /** @description Attempts per second over the last minute. */
                        jobsPerSecond: number;
                        successRate: number | null;
                        averageRetries: number | null;
                        failed: number;
                        /** @description How long the attempts in the window took, of those a receiver had a part in. Read from a histogram: exact up to 50 ms, beyond that at most 5 % off. */
                        latencyMs: {
                            p50: number | null;
                            p95: number | null;
                            p99: number | null;
                        };
                        /** @description The ten most frequent event types in the window. */
                        topEvents: {
                            eventType: string;
                            total: number;
                            success: number;
                            failed: number;
                        }[];
                        /** @description Now: accepted and not finished. */
                        undelivered: {
                            count: number;
                            oldestAgeMs: number | null;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getEndpointsByIdDeliveries: {
        parameters: {
            query?: {
                deliveryId?: string;
                leadId?: string;
                eventType?: string;
                deliveryStatus?: "pending" | "sent" | "success" | "failed" | "cancelled";
                status?: "pending" | "sent" | "success" | "failed" | "cancelled";
                since?: string;
                until?: string;
                /** @description An id, or how a lead id, an event type or a URL begins. */
                q?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        deliveries: components["schemas"]["Delivery"][];
                        /** @example 1 */
                        total: number;
                        /** @description There are more than `total`: it is counted up to 10,000. */
                        totalIsCapped?: boolean;
                        /** @description For the query parameter `cursor` of the next page; null on the last one. */
                        nextCursor: string | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getDestinations: {
        parameters: {
            query?: {
                state?: "closed" | "open" | "half_open";
                clientId?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        destinations: {
                            /** @description The endpoint's id; of deliveries without one their URL, without scheme and query string. */
                            destination: string;
                            endpointId: string | null;
                            clientId: string | null;
                            /**
                             * @description closed: it gets what is due. open: nothing but a probe now and then. half_open: it is back, and gets more and more.
                             * @enum {string}
                             */
                            state: "closed" | "open" | "half_open";
                            reason: string | null;
                            since: string | null;
                            failuresInARow: number;
                            /** @description Its latest attempt took longer than a second. */
                            isSlow: boolean;
                            /**
                             * @description main: with the others. side: beside them, so that it cannot keep them waiting.
                             * @enum {string}
                             */
                            lane: "main" | "side";
                            nextProbeAt: string | null;
                            pausedUntil: string | null;
                            ratePerSecond: number | null;
                            /** @description Deliveries that wait because of its state. */
                            heldBack: number;
                            /** @description There are more than that. */
                            heldBackIsCapped?: boolean;
                        }[];
                        /** @example 1 */
                        total: number;
                        /** @description There are more than `total`: it is counted up to 10,000. */
                        totalIsCapped?: boolean;
                        /** @description For the query parameter `cursor` of the next page; null on the last one. */
                        nextCursor: string | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getDestinationsByDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                destination: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        destination: {
                            /** @description The endpoint's id; of deliveries without one their URL, without scheme and query string. */
                            destination: string;
                            endpointId: string | null;
                            clientId: string | null;
                            /**
                             * @description closed: it gets what is due. open: nothing but a probe now and then. half_open: it is back, and gets more and more.
                             * @enum {string}
                             */
                            state: "closed" | "open" | "half_open";
                            reason: string | null;
                            since: string | null;
                            failuresInARow: number;
                            /** @description Its latest attempt took longer than a second. */
                            isSlow: boolean;
                            /**
                             * @description main: with the others. side: beside them, so that it cannot keep them waiting.
                             * @enum {string}
                             */
                            lane: "main" | "side";
                            nextProbeAt: string | null;
                            pausedUntil: string | null;
                            ratePerSecond: number | null;
                            /** @description Deliveries that wait because of its state. */
                            heldBack: number;
                            /** @description There are more than that. */
                            heldBackIsCapped?: boolean;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postEvents: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example message.received */
                    type: string;
                    /** @description Any JSON, sent on exactly as it is spelled here. */
                    data: unknown;
                    source?: string | null;
                    clientId?: string | null;
                    eventId?: string | null;
                    timestamp?: string | null;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /**
                         * @description The publisher's own id: published again with it, the event is the same one.
                         * @example message-4711-received
                         */
                        eventId: string;
                        /** @description One for each enabled endpoint that subscribes to it. */
                        deliveries: string[];
                        /** @description Rows of disabled endpoints that subscribe to it: failed, to be replayed. */
                        disabled: string[];
                        /**
                         * @description Endpoints that subscribe to it; 0: it is stored and goes nowhere.
                         * @example 1
                         */
                        matched: number;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /**
                         * @description The publisher's own id: published again with it, the event is the same one.
                         * @example message-4711-received
                         */
                        eventId: string;
                        /** @description One for each enabled endpoint that subscribes to it. */
                        deliveries: string[];
                        /** @description Rows of disabled endpoints that subscribe to it: failed, to be replayed. */
                        disabled: string[];
                        /**
                         * @description Endpoints that subscribe to it; 0: it is stored and goes nowhere.
                         * @example 1
                         */
                        matched: number;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getEventsById: {
        parameters: {
            query?: {
                /** @description For operators, when clients share an eventId. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description The eventId. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        event: {
                            eventId: string;
                            clientId: string | null;
                            type: string;
                            source: string | null;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            timestamp: string;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                            data: unknown;
                            /** @description The first 200. */
                            deliveries: components["schemas"]["Delivery"][];
                            deliveryCount: number;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postWebhooksOutboxTrigger: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description INSERT, UPDATE or DELETE.
                     * @example INSERT
                     */
                    type?: unknown;
                    /** @example outbox_messages */
                    table?: unknown;
                    /** @example public */
                    schema?: unknown;
                    record: {
                        /** @description Of the row in outbox_messages. */
                        id: unknown;
                    } | null;
                    old_record?: unknown;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /**
                         * @description 1: this call took the row. 0: it is taken, not due, or not there.
                         * @example 1
                         */
                        processed: number;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postCronOutboxWorker: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never> | null;
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        /**
                         * @description Rows that this call took.
                         * @example 3
                         */
                        processed: number;
                        /**
                         * @description Of those, sent by now.
                         * @example 2
                         */
                        sent: number;
                        /**
                         * @description Of those, failed by now.
                         * @example 0
                         */
                        failed: number;
                        /**
                         * @description Rows that are due and not taken; counted up to 10,000.
                         * @example 0
                         */
                        remaining: number;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getClients: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        clients: {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                        }[];
                        /** @example 1 */
                        total: number;
                        /** @description There are more than `total`: it is counted up to 10,000. */
                        totalIsCapped?: boolean;
                        /** @description For the query parameter `cursor` of the next page; null on the last one. */
                        nextCursor: string | null;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postClients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Blanks around it are removed. */
                    name: string;
                    requestsPerSecond?: number | null;
                };
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        client: {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                        };
                        /**
                         * @description The key. It is shown here and never again.
                         * @example wd_V0yHdJ9P4cT2bXk7mQ1sLr8uZ3aE6fN5gWi0oYtKjRc
                         */
                        apiKey: string;
                        key: {
                            /** Format: uuid */
                            id: string;
                            /** @description How the key begins. The rest is not kept. */
                            start: string;
                            requestsPerSecond: number | null;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                            revokedAt: string | null;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getClientsById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        client: {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                            /** @description Newest first. */
                            keys: {
                                /** Format: uuid */
                                id: string;
                                /** @description How the key begins. The rest is not kept. */
                                start: string;
                                requestsPerSecond: number | null;
                                /**
                                 * Format: date-time
                                 * @example 2026-11-21T10:00:00.000Z
                                 */
                                createdAt: string;
                                revokedAt: string | null;
                            }[];
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    patchClientsById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Blanks around it are removed. */
                    name: string;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        client: {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    postClientsByIdKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    requestsPerSecond?: number | null;
                } | null;
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        key: {
                            /** Format: uuid */
                            id: string;
                            /** @description How the key begins. The rest is not kept. */
                            start: string;
                            requestsPerSecond: number | null;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                            revokedAt: string | null;
                        };
                        /**
                         * @description The key. It is shown here and never again.
                         * @example wd_V0yHdJ9P4cT2bXk7mQ1sLr8uZ3aE6fN5gWi0oYtKjRc
                         */
                        apiKey: string;
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    deleteClientsByIdKeysByKeyId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                keyId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        key: {
                            /** Format: uuid */
                            id: string;
                            /** @description How the key begins. The rest is not kept. */
                            start: string;
                            requestsPerSecond: number | null;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                            revokedAt: string | null;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getLeadsById: {
        parameters: {
            query?: {
                /** @description For operators: whose lead. Default: their own. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description Your own id of it. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        lead: {
                            id: string;
                            email: string | null;
                            firstName: string | null;
                            lastName: string | null;
                            linkedinId: string | null;
                            linkedinUrl: string | null;
                            company: string | null;
                            title: string | null;
                            source: string | null;
                            capturedAt: string | null;
                            customFields: {
                                [key: string]: unknown;
                            };
                            /** @description webhook_sent once a delivery of it has succeeded. */
                            status: string | null;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            updatedAt: string;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    putLeadsById: {
        parameters: {
            query?: {
                /** @description For operators: whose lead. Default: their own. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description Your own id of it. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    email?: string | null;
                    firstName?: string | null;
                    lastName?: string | null;
                    linkedinId?: string | null;
                    linkedinUrl?: string | null;
                    company?: string | null;
                    title?: string | null;
                    source?: string | null;
                    capturedAt?: string | null;
                    customFields?: {
                        [key: string]: unknown;
                    } | null;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        lead: {
                            id: string;
                            email: string | null;
                            firstName: string | null;
                            lastName: string | null;
                            linkedinId: string | null;
                            linkedinUrl: string | null;
                            company: string | null;
                            title: string | null;
                            source: string | null;
                            capturedAt: string | null;
                            customFields: {
                                [key: string]: unknown;
                            };
                            /** @description webhook_sent once a delivery of it has succeeded. */
                            status: string | null;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            createdAt: string;
                            /**
                             * Format: date-time
                             * @example 2026-11-21T10:00:00.000Z
                             */
                            updatedAt: string;
                        };
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getEventTypes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "success";
                        eventTypes: {
                            type: string;
                            description: string;
                        }[];
                        /** @description Fields of the request that are not known and were ignored. */
                        warnings?: {
                            field: string;
                            message: string;
                        }[];
                    };
                };
            };
        };
    };
    getOpenapiJson: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
}
