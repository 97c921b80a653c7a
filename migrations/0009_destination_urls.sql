-- Deliveries without an endpoint are told apart by their URL, without its query string, no longer by host
-- and port alone: at one host there may be many customers' hooks, and a dead one is no news of the others.

-- Writes the table anew, as 0005 did: some seconds for a million rows, in which nothing is accepted.
-- (`alter column … set expression` is PostgreSQL 17's.) The indexes go with the column.
alter table webhook_deliveries drop column destination;
alter table webhook_deliveries
  add column destination text not null generated always as
    (coalesce(endpoint_id::text, substring(webhook_url from '^[a-z]+://([^?#]+)'), webhook_url))
    stored;

-- Pending, not held, and in no queue: what the sweep walks over, destination by destination.
create index webhook_deliveries_free on webhook_deliveries (destination, next_retry_at, id)
  where status = 'pending' and not held and queued_until is null;
-- The same in the order of acceptance, for a destination that comes back.
create index webhook_deliveries_free_by_age on webhook_deliveries (destination, id)
  where status = 'pending' and not held and queued_until is null;
-- In a queue, or so it is believed.
create index webhook_deliveries_queued on webhook_deliveries (destination, queued_until)
  where status = 'pending' and queued_until is not null;
create index webhook_deliveries_in_flight on webhook_deliveries (destination, worker_id)
  where status = 'sent';

-- What was known of whole hosts is known of none of their URLs.
delete from destinations where endpoint_id is null;
