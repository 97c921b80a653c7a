-- The transactional outbox: an application inserts a row in its own transaction, a worker makes the
-- deliveries and writes back how they stand. docs/outbox.md is for those who insert.

create table outbox_messages (
  id uuid primary key default gen_random_uuid(),
  -- The order of insertion.
  position bigint generated always as identity,
  client_id uuid,
  -- To this endpoint; null: to every one that subscribes to the event type.
  endpoint_id uuid,
  event_type text,
  source text,
  -- The application's own id of the event; null: the row's id.
  event_id text,
  to_phone text,
  message_type text,
  payload jsonb not null,
  status text not null default 'queued',
  attempts integer not null default 0,
  last_error text,
  -- Not before then; once it is taken, the soonest next attempt of its deliveries.
  next_attempt_at timestamptz default now(),
  -- When a worker took it: from then on its deliveries exist, or it says why not.
  taken_at timestamptz,
  -- When the service last wrote what became of it. A change of status without it is an application's.
  mirrored_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  sent_at timestamptz,
  constraint goes_somewhere check (endpoint_id is not null or event_type is not null),
  constraint status_is_known check (status in ('queued', 'sent', 'failed')),
  -- It travels as a header.
  constraint event_type_is_visible_ascii_up_to_255 check (event_type ~ '^[!-~]{1,255}$'),
  constraint event_id_has_at_most_255_characters check (length(event_id) <= 255),
  constraint source_has_at_most_255_characters check (length(source) <= 255),
  constraint to_phone_has_at_most_255_characters check (length(to_phone) <= 255),
  constraint message_type_has_at_most_255_characters check (length(message_type) <= 255),
  constraint attempts_is_not_negative check (attempts >= 0),
  constraint sent_at_only_when_sent check (sent_at is null or status = 'sent')
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- What waits to be taken, in its order; apart from what is to wait for its time, however much that is.
create index outbox_messages_waiting on outbox_messages (position)
  where status = 'queued' and taken_at is null
    and (next_attempt_at is null or next_attempt_at <= created_at);
create index outbox_messages_scheduled on outbox_messages (next_attempt_at, position)
  where status = 'queued' and taken_at is null and next_attempt_at > created_at;
-- Retention.
create index outbox_messages_finished on outbox_messages (updated_at)
  where status in ('sent', 'failed');

-- The endpoints that a take may have to lock: few, among many.
create index webhook_endpoints_ordered on webhook_endpoints (id) where ordered;

-- One notification for each transaction, however many rows it inserts.
create function tell_of_outbox() returns trigger language plpgsql as $$
begin
  perform pg_catalog.pg_notify('outbox_messages', '');
  return null;
end
$$;

create trigger outbox_messages_inserted after insert on outbox_messages
  for each statement execute function tell_of_outbox();

-- An application that sets a finished row back to `queued` asks for another try, at once or at the
-- time that it sets along.
create function take_outbox_message_again() returns trigger language plpgsql as $$
begin
  new.taken_at := null;
  new.sent_at := null;
  new.updated_at := pg_catalog.now();
  if new.next_attempt_at is not distinct from old.next_attempt_at or new.next_attempt_at is null then
    new.next_attempt_at := pg_catalog.now();
  end if;
  return new;
end
$$;

create trigger outbox_message_asked_again before update of status on outbox_messages
  for each row when (
    new.status = 'queued' and old.status <> 'queued'
    and new.mirrored_at is not distinct from old.mirrored_at
  ) execute function take_outbox_message_again();

create trigger outbox_message_waits_again after update of status, next_attempt_at on outbox_messages
  for each row when (new.status = 'queued' and new.taken_at is null)
  execute function tell_of_outbox();

-- Called in the application's own transaction. Not bound to its search_path.
create function enqueue_webhook(
  event_type text,
  data jsonb,
  source text default null,
  client_id uuid default null,
  event_id text default null
) returns uuid language sql
begin atomic
  insert into outbox_messages (event_type, payload, source, client_id, event_id)
  values (enqueue_webhook.event_type, enqueue_webhook.data, enqueue_webhook.source,
    enqueue_webhook.client_id, enqueue_webhook.event_id)
  returning id;
end;

-- Which row of the outbox a delivery was made for. No foreign key: retention removes each for itself.
alter table webhook_deliveries add column outbox_message_id uuid;
create index webhook_deliveries_by_outbox_message on webhook_deliveries (outbox_message_id)
  where outbox_message_id is not null;

-- Rows of the outbox whose deliveries have changed. Appended only, so that no two writers wait for each
-- other; a worker folds them (packages/shared/src/db/outbox-mirror.ts).
create table outbox_notes (
  outbox_message_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);

create function note_outbox_delivery() returns trigger language plpgsql as $$
begin
  insert into outbox_notes values (new.outbox_message_id);
  return null;
end
$$;

-- Those that end at once, because their endpoint is disabled.
create trigger outbox_delivery_inserted after insert on webhook_deliveries
  for each row when (new.outbox_message_id is not null and new.status <> 'pending')
  execute function note_outbox_delivery();

-- Not when an attempt begins: what comes of it is noted soon enough.
create trigger outbox_delivery_changed
  after update of status, attempt, next_retry_at, last_error on webhook_deliveries
  for each row when (
    new.outbox_message_id is not null and new.status <> 'sent'
    and (new.status, new.attempt, new.next_retry_at, new.last_error)
      is distinct from (old.status, old.attempt, old.next_retry_at, old.last_error)
  ) execute function note_outbox_delivery();
