-- Registered endpoints, what is known of their health, the events they subscribe to, and the order
-- in which an ordered endpoint gets its deliveries.

create table webhook_endpoints (
  id uuid primary key,
  client_id uuid references clients (id),
  name text,
  url text not null,
  -- AES-256-GCM boxes bound to this row. Signing secrets, newest first, each older one with its end.
  secrets_encrypted bytea not null,
  -- When the last of the older secrets stops signing; it stands inside the box too, which decides.
  rotation_ends_at timestamptz,
  headers_encrypted bytea,
  header_names text[] not null default '{}',
  -- Exact types and `prefix.*`; empty: all.
  event_types text[] not null default '{}',
  -- Empty: all, also events without a source.
  sources text[] not null default '{}',
  -- Set by PUT /endpoints/by-source/:source.
  registered_source text,
  format text not null default 'auto',
  -- Null: what the process is configured with.
  max_attempts integer,
  retry_schedule_ms bigint[],
  timeout_ms integer,
  rate_limit_per_second double precision,
  max_in_flight integer,
  ordered boolean not null default false,
  -- The number of the last delivery that was accepted in order.
  last_order_no bigint not null default 0,
  enabled boolean not null default true,
  disabled_reason text,
  disabled_at timestamptz,
  -- It was disabled by its failures and enabled again; its next success is a recovery.
  awaits_recovery boolean not null default false,
  metadata jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint disabled_reason_iff_disabled
    check ((disabled_reason is not null) = (not enabled) and (disabled_at is not null) = (not enabled)),
  constraint disabled_reason_is_known check (disabled_reason in ('manual', 'gone', 'failing')),
  constraint max_attempts_is_positive check (max_attempts > 0),
  constraint timeout_is_positive check (timeout_ms > 0),
  constraint rate_limit_is_positive check (rate_limit_per_second > 0),
  constraint max_in_flight_is_positive check (max_in_flight > 0)
);
create index webhook_endpoints_by_client on webhook_endpoints (client_id, id);
create unique index webhook_endpoints_by_registered_source
  on webhook_endpoints (coalesce(client_id, '00000000-0000-0000-0000-000000000000'), registered_source)
  where registered_source is not null;

-- Written with every attempt, so apart from what its owner writes, and narrow.
create table webhook_endpoint_health (
  endpoint_id uuid primary key references webhook_endpoints (id) on delete cascade,
  -- Attempts that failed since the last one that succeeded.
  failure_count integer not null default 0,
  failing_since timestamptz,
  last_error text,
  last_attempt_at timestamptz,
  last_success_at timestamptz,
  constraint failing_since_iff_failures check ((failing_since is not null) = (failure_count > 0))
) with (fillfactor = 50);

create table webhook_events (
  id uuid primary key,
  client_id uuid,
  -- The publisher's own id, or ours as text. Unique per client.
  event_id text not null,
  type text not null,
  source text,
  data jsonb not null,
  -- The data as its publisher spelled it, which is what goes into the bodies.
  data_text text not null,
  -- SHA-256 of type, source and data: a repetition must be of the same event.
  content_hash bytea not null,
  occurred_at timestamptz not null,
  -- Null: its deliveries are still to be made, by a worker. Events from the API get theirs at once.
  published_at timestamptz,
  created_at timestamptz not null default now()
);
create unique index webhook_events_by_event_id
  on webhook_events (coalesce(client_id, '00000000-0000-0000-0000-000000000000'), event_id);
create index webhook_events_unpublished on webhook_events (id) where published_at is null;
-- For operators, who may look for any client's.
create index webhook_events_of_any_client on webhook_events (event_id);

create table replays (
  id uuid primary key,
  client_id uuid,
  -- Which deliveries: a snapshot of what was asked for.
  since timestamptz not null,
  until timestamptz not null,
  endpoint_id uuid,
  event_type text,
  delivery_status text not null,
  rate_per_second double precision not null,
  state text not null default 'running',
  -- Null until they are counted.
  matched bigint,
  replayed bigint not null default 0,
  skipped bigint not null default 0,
  -- The last delivery that was looked at: where a worker goes on after a restart.
  position uuid,
  next_step_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint state_is_known check (state in ('running', 'completed', 'cancelled')),
  constraint delivery_status_is_final check (delivery_status in ('success', 'failed', 'cancelled')),
  constraint rate_is_positive check (rate_per_second > 0),
  constraint finished_at_iff_finished check ((finished_at is not null) = (state <> 'running'))
);
create index replays_running on replays (next_step_at) where state = 'running';
create index replays_by_client on replays (client_id, id);

alter table webhook_deliveries
  -- Its caller said how many; otherwise the endpoint's number holds, also when it changes.
  add column has_own_max_attempts boolean not null default true,
  -- Its place in an ordered endpoint's line; a manual retry gets a new one at the end.
  add column order_no bigint,
  -- Pending and not to be tried yet, whatever its due time: something else must happen first.
  add column held boolean not null default false,
  add constraint held_only_while_pending check (not held or status = 'pending');

-- Held deliveries cost the sweep nothing.
drop index webhook_deliveries_due;
drop index webhook_deliveries_untried;
create index webhook_deliveries_due on webhook_deliveries (next_retry_at, id)
  where status = 'pending' and not held;
create index webhook_deliveries_untried on webhook_deliveries (id)
  where status = 'pending' and attempt = 0 and not held;
-- The lines of ordered endpoints, each in its order; and one in flight at a time, whatever happens.
create index webhook_deliveries_in_line on webhook_deliveries (endpoint_id, order_no)
  where order_no is not null and status in ('pending', 'sent');
create unique index webhook_deliveries_one_at_a_time on webhook_deliveries (endpoint_id)
  where order_no is not null and status = 'sent';
-- What an endpoint still has to get, and what it did not get.
create index webhook_deliveries_unfinished_by_endpoint on webhook_deliveries (endpoint_id, id)
  where endpoint_id is not null and status in ('pending', 'sent');
create index webhook_deliveries_failed_by_endpoint on webhook_deliveries (endpoint_id, id)
  where endpoint_id is not null and status = 'failed';
create index webhook_deliveries_failed_by_client on webhook_deliveries (client_id, id)
  where client_id is not null and status = 'failed';
create index webhook_deliveries_by_event on webhook_deliveries (event_id, id) where event_id is not null;

-- Whose attempt it was: the delivery may be gone when its log row is.
alter table webhook_delivery_logs add column client_id uuid, add column endpoint_id uuid;
