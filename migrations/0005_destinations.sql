-- Destinations: where deliveries go, told apart by endpoint, or by host where there is none. What is
-- known of one decides whether its deliveries run among the others, beside them, or wait.

create table destinations (
  -- An endpoint's id, or host:port.
  key text primary key,
  client_id uuid,
  endpoint_id uuid,
  -- Its latest attempt was over soon, whatever came of it.
  is_quick boolean not null,
  state text not null default 'closed',
  state_since timestamptz not null default now(),
  -- The latest failure's kind.
  reason text,
  failures_in_a_row integer not null default 0,
  throttles_in_a_row integer not null default 0,
  probe_at timestamptz,
  failed_probes integer not null default 0,
  rate_per_second double precision,
  cautious_above double precision,
  -- The receiver asked for it (Retry-After).
  paused_until timestamptz,
  -- When deliveries were last let go to it while its rate was limited.
  released_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint state_is_known check (state in ('closed', 'open', 'half_open')),
  constraint probe_at_iff_open check ((probe_at is not null) = (state = 'open')),
  constraint rate_iff_half_open check ((rate_per_second is not null) = (state = 'half_open'))
);
create index destinations_not_closed on destinations (state, state_since) where state <> 'closed';
create index destinations_by_age on destinations (updated_at);

-- The latest starts, oldest first: those that are still in the window count.
alter table delivery_pace add column starts timestamptz[] not null default '{}';

-- Writes the table anew: some seconds for a million rows, in which nothing is accepted.
alter table webhook_deliveries
  add column destination text not null generated always as
    (coalesce(endpoint_id::text, substring(webhook_url from '^[a-z]+://([^/?#]+)'), webhook_url))
    stored,
  -- The road it was queued on; `probe`: the one that an open circuit lets through.
  add column lane text,
  add constraint lane_is_known check (lane in ('main', 'side', 'probe')),
  -- Its place among those in flight to an endpoint that limits them; nobody else has the same.
  add column in_flight_slot integer,
  add constraint in_flight_slot_only_while_sent check (in_flight_slot is null or status = 'sent');

-- Pending, not held, and in no queue: what the sweep walks over, destination by destination.
create index webhook_deliveries_free on webhook_deliveries (destination, next_retry_at, id)
  where status = 'pending' and not held and queued_until is null;
-- The same in the order of acceptance, for a destination that comes back.
create index webhook_deliveries_free_by_age on webhook_deliveries (destination, id)
  where status = 'pending' and not held and queued_until is null;
-- In a queue, or so it is believed.
create index webhook_deliveries_queued on webhook_deliveries (destination, queued_until)
  where status = 'pending' and queued_until is not null;
drop index webhook_deliveries_in_flight;
create index webhook_deliveries_in_flight on webhook_deliveries (destination, worker_id)
  where status = 'sent';
create unique index webhook_deliveries_in_flight_slots
  on webhook_deliveries (endpoint_id, in_flight_slot) where in_flight_slot is not null;
drop index webhook_deliveries_untried;
