-- The lease is the permit: a row here lets one delivery start, from `starts_at` until `expires_at`. The
-- scheduler inserts it, the claim uses it up, and whatever speaks against the start deletes it (an open
-- circuit, a pause, an endpoint that is disabled or deleted).
--
-- Narrow and apart from webhook_deliveries, so that a lease writes none of that table's indexes. Unlogged:
-- after a crash of PostgreSQL it is empty, and every delivery that waits is free to be leased again.
create unlogged table delivery_leases (
  delivery_id uuid primary key,
  -- As in webhook_deliveries; a test delivery's own id, because a test is nobody's backlog.
  destination text not null,
  -- How it may start: packages/shared/src/core/permit.ts.
  permit text not null,
  starts_at timestamptz not null,
  expires_at timestamptz not null,
  -- The worker that will run it; null: the queue has still to give it to one.
  taken_by uuid,
  constraint permit_is_known check (permit in ('normal', 'trial', 'low', 'probe')),
  constraint expires_after_it_starts check (expires_at > starts_at)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);
create index delivery_leases_by_destination on delivery_leases (destination);
create index delivery_leases_by_start on delivery_leases (starts_at);

-- The schedulers' versions: packages/shared/src/db/scheduling.ts.
create unlogged table delivery_schedulers (
  shard integer primary key,
  -- Raised by every grant and every revocation.
  version bigint not null default 0,
  -- Who granted last, and until when the others need not look.
  worker_id uuid,
  leads_until timestamptz not null default now()
) with (fillfactor = 10);

alter table webhook_deliveries
  -- The permit that its attempt in flight started with.
  add column permit text,
  add constraint permit_only_while_sent check (permit is null or status = 'sent');

-- What waits, destination by destination, by due time and by age. `queued_until` and `lane` are no longer
-- read: they go one version later, as does `in_flight_slot`, because processes of the version before still
-- write them during an upgrade.
drop index webhook_deliveries_free;
drop index webhook_deliveries_free_by_age;
drop index webhook_deliveries_queued;
drop index webhook_deliveries_in_flight_slots;
create index webhook_deliveries_waiting on webhook_deliveries (destination, next_retry_at, id)
  where status = 'pending' and not held and not is_test_delivery;
create index webhook_deliveries_waiting_by_age on webhook_deliveries (destination, id)
  where status = 'pending' and not held and not is_test_delivery;
-- A test is made at once, whatever is known of its destination.
create index webhook_deliveries_waiting_tests on webhook_deliveries (next_retry_at)
  where status = 'pending' and not held and is_test_delivery;

-- Without Redis the rows are the queue: BullMQ's tables are not needed any more. Processes of the version
-- before go on accepting while they still run; their deliveries are made by the new workers.
drop schema if exists bullmq cascade;
