-- Leads, deliveries, the log of their attempts, and what the workers share.
-- Times are timestamptz; a delivery's id is a UUID v7, so that id order is the order of acceptance.

create table leads (
  id text primary key,
  email text,
  first_name text,
  last_name text,
  linkedin_id text,
  linkedin_url text,
  company text,
  title text,
  source text,
  captured_at timestamptz,
  custom_fields jsonb not null default '{}',
  status text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint custom_fields_is_an_object check (jsonb_typeof(custom_fields) = 'object')
);

create table webhook_deliveries (
  id uuid primary key,
  client_id uuid,
  endpoint_id uuid,
  lead_id text,
  event_id text,
  event_type text not null,
  webhook_url text not null,
  payload jsonb not null,
  -- The exact text that is signed and sent on every attempt; jsonb would reorder and respell it.
  body text not null,
  format text not null,
  -- AES-256-GCM, bound to this row (packages/shared/src/core/secret-box.ts); null: unsigned.
  secret_encrypted bytea,
  -- webhook-signature of the latest attempt.
  signature text,
  status text not null default 'pending',
  attempt integer not null default 0,
  max_attempts integer not null,
  -- Attempts made before the current round; a manual retry starts a new round.
  attempts_before_round integer not null default 0,
  -- Since the last attempt that came to a result: deaths of workers, and other faults of ours.
  interruptions integer not null default 0,
  internal_faults integer not null default 0,
  response_status integer,
  response_body text,
  last_error text,
  error_type text,
  sent_at timestamptz,
  -- Due time of the next attempt; acceptance itself for the first.
  next_retry_at timestamptz,
  delivered_at timestamptz,
  -- Which worker has it in flight, and the one claim whose result may move it on.
  worker_id uuid,
  claim_id uuid,
  -- Until then the queue is believed to hold a job for it; after that it is queued again.
  queued_until timestamptz,
  idempotency_key text,
  -- SHA-256 of the request that came with the key.
  idempotency_hash bytea,
  is_test_delivery boolean not null default false,
  metadata jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint status_is_known
    check (status in ('pending', 'sent', 'success', 'failed', 'cancelled')),
  constraint error_type_is_known
    check (error_type in ('network', 'timeout', 'http', 'blocked', 'internal', 'interrupted',
                          'endpoint_disabled')),
  constraint attempt_is_within_max_attempts
    check (attempt between 0 and max_attempts),
  constraint round_starts_within_attempts
    check (attempts_before_round between 0 and attempt),
  constraint next_retry_at_iff_pending
    check ((next_retry_at is not null) = (status = 'pending')),
  constraint claim_iff_sent
    check ((claim_id is not null) = (status = 'sent') and (worker_id is not null) = (status = 'sent')),
  constraint delivered_at_iff_success
    check ((delivered_at is not null) = (status = 'success')),
  constraint success_has_no_error
    check (status <> 'success' or (last_error is null and error_type is null)),
  constraint idempotency_hash_iff_key
    check ((idempotency_key is null) = (idempotency_hash is null))
);

-- Keys are per client; the operator's own deliveries have none.
create unique index webhook_deliveries_idempotency_key
  on webhook_deliveries (coalesce(client_id, '00000000-0000-0000-0000-000000000000'), idempotency_key)
  where idempotency_key is not null;
-- What is due: the worker's sweep. Touches no finished row.
create index webhook_deliveries_due on webhook_deliveries (next_retry_at, id) where status = 'pending';
-- What was accepted and never tried: the sweep's look at the newest.
create index webhook_deliveries_untried on webhook_deliveries (id)
  where status = 'pending' and attempt = 0;
-- What a worker has in flight.
create index webhook_deliveries_in_flight on webhook_deliveries (worker_id) where status = 'sent';
-- What was accepted and is not finished, oldest first.
create index webhook_deliveries_unfinished on webhook_deliveries (id) where status in ('pending', 'sent');
-- The list's filters, newest first; pattern_ops serves equality and prefixes.
create index webhook_deliveries_by_status on webhook_deliveries (status, id);
create index webhook_deliveries_by_event_type on webhook_deliveries (event_type text_pattern_ops, id);
create index webhook_deliveries_by_lead on webhook_deliveries (lead_id text_pattern_ops, id)
  where lead_id is not null;
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, id)
  where endpoint_id is not null;
create index webhook_deliveries_by_client on webhook_deliveries (client_id, id)
  where client_id is not null;
create index webhook_deliveries_by_url
  on webhook_deliveries ((left(webhook_url, 200)) text_pattern_ops, id);

-- The same table as DELIVERY_MOVES in packages/shared/src/core/delivery.ts.
create function refuse_unknown_delivery_move() returns trigger language plpgsql as $$
begin
  if (old.status, new.status) in (
    ('pending', 'sent'), ('pending', 'cancelled'), ('pending', 'failed'),
    ('sent', 'pending'), ('sent', 'success'), ('sent', 'failed'),
    ('success', 'pending'), ('failed', 'pending'), ('cancelled', 'pending')
  ) then
    return new;
  end if;
  raise exception 'a delivery does not move from % to %', old.status, new.status
    using errcode = 'check_violation', constraint = 'delivery_status_moves';
end
$$;

create trigger delivery_status_moves before update of status on webhook_deliveries
  for each row when (old.status is distinct from new.status)
  execute function refuse_unknown_delivery_move();

create table webhook_delivery_logs (
  id bigint generated always as identity primary key,
  delivery_id uuid not null references webhook_deliveries (id) on delete cascade,
  attempt_number integer not null,
  -- The claim whose result this is; null when somebody else wrote it for a worker that is gone.
  claim_id uuid,
  attempted_at timestamptz not null,
  duration_ms integer not null,
  -- As sent, without secrets; null when the worker died before it could tell.
  request_headers jsonb,
  response_status integer,
  response_headers jsonb,
  response_body text,
  error text,
  error_type text,
  will_retry boolean not null,
  retry_at timestamptz,
  constraint error_type_is_known
    check (error_type in ('network', 'timeout', 'http', 'blocked', 'internal', 'interrupted')),
  constraint retry_at_iff_will_retry check ((retry_at is not null) = will_retry),
  constraint duration_is_not_negative check (duration_ms >= 0)
);

-- The attempts of a delivery; and a claim's result is logged once, however often it is said.
create unique index webhook_delivery_logs_by_delivery on webhook_delivery_logs (delivery_id, claim_id);
create index webhook_delivery_logs_by_time on webhook_delivery_logs (attempted_at);

-- Worker processes that say they live. One that stops saying so has its deliveries taken up again.
create table worker_processes (
  id uuid primary key,
  hostname text not null,
  version text not null,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);

-- When the next delivery may start, over all workers. Unlogged: losing it costs one interval.
create unlogged table delivery_pace (
  name text primary key,
  next_start_at timestamptz not null
);
