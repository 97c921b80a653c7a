-- Statistics that are read in a few milliseconds and agree with a count over the rows at any moment.
--
-- Triggers note what every written row changes as an appended delta, so that no two writers ever wait
-- for the same counter. A worker folds deltas into the sums (packages/shared/src/db/stat-rollup.ts);
-- who reads adds sums and deltas in one statement. While no worker runs, the deltas pile up and the
-- numbers stay exact.

-- A scope is everything (the nil UUID), a client or an endpoint. A day is the 24 hours of a UTC date;
-- a window is read as the hours up to the first midnight and the days after it.

create table delivery_stat_deltas (
  hour timestamptz not null,
  client_id uuid,
  endpoint_id uuid,
  event_type text not null,
  total integer not null,
  success integer not null,
  failed integer not null,
  cancelled integer not null,
  retries integer not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);

create table delivery_stats (
  scope_id uuid not null,
  grain text not null,
  starts_at timestamptz not null,
  event_type text not null,
  total integer not null,
  success integer not null,
  failed integer not null,
  cancelled integer not null,
  -- Of deliveries that succeeded or failed: attempts beyond the first in the last round.
  retries integer not null,
  primary key (scope_id, grain, starts_at, event_type),
  constraint grain_is_known check (grain in ('hour', 'day'))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- All time.
create table delivery_totals (
  scope_id uuid primary key,
  total bigint not null,
  success bigint not null,
  failed bigint not null,
  cancelled bigint not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

create table attempt_latency_deltas (
  hour timestamptz not null,
  client_id uuid,
  endpoint_id uuid,
  bucket smallint not null,
  count integer not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);

-- A histogram a row: as a row for every bucket it would be as long as the log itself.
create table attempt_latency (
  scope_id uuid not null,
  grain text not null,
  starts_at timestamptz not null,
  buckets smallint[] not null,
  counts integer[] not null,
  primary key (scope_id, grain, starts_at),
  constraint grain_is_known check (grain in ('hour', 'day')),
  constraint every_bucket_has_a_count check (cardinality(buckets) = cardinality(counts))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create function retries_made(status text, attempt integer, attempts_before_round integer)
returns integer language sql immutable parallel safe as $$
  select case when status in ('success', 'failed')
    then greatest(attempt - attempts_before_round - 1, 0) else 0 end
$$;

-- The same buckets as in packages/shared/src/core/latency-buckets.ts.
create function latency_bucket(duration_ms integer)
returns smallint language sql immutable parallel safe as $$
  select width_bucket(duration_ms, array[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
    50, 51, 54, 57, 60, 64, 68, 72, 76, 80, 85, 90, 95, 100, 106, 112, 118, 124, 131, 138, 145, 153,
    161, 170, 179, 188, 198, 208, 219, 230, 242, 255, 268, 282, 297, 312, 328, 345, 363, 382, 402,
    423, 445, 468, 492, 517, 543, 571, 600, 631, 663, 697, 732, 769, 808, 849, 892, 937, 984, 1034,
    1086, 1141, 1199, 1259, 1322, 1389, 1459, 1532, 1609, 1690, 1775, 1864, 1958, 2056, 2159, 2267,
    2381, 2501, 2627, 2759, 2897, 3042, 3195, 3355, 3523, 3700, 3886, 4081, 4286, 4501, 4727, 4964,
    5213, 5474, 5748, 6036, 6338, 6655, 6988, 7338, 7705, 8091, 8496, 8921, 9368, 9837, 10329,
    10846, 11389, 11959, 12557, 13185, 13845, 14538, 15265, 16029, 16831, 17673, 18557, 19485,
    20460, 21484, 22559, 23687, 24872, 26116, 27422, 28794, 30234, 31746, 33334, 35001, 36752,
    38590, 40520, 42547, 44675, 46909, 49255, 51718, 54304, 57020, 59872, 62866, 66010, 69311,
    72777, 76416, 80237, 84249, 88462, 92886, 97531, 102408, 107529, 112906, 118552, 124480, 130705,
    137241, 144104, 151310, 158876, 166820, 175162, 183921, 193118, 202774, 212913, 223559, 234737,
    246474, 258798, 271738, 285325, 299592, 314572, 330301, 346817, 364158, 382366, 401485, 421560,
    442639, 464771, 488010, 512411, 538032, 564934, 593181, 600000
  ])::smallint
$$;

create function count_new_deliveries() returns trigger language plpgsql as $$
begin
  insert into delivery_stat_deltas
  select date_trunc('hour', created_at, 'UTC'), client_id, endpoint_id, event_type, count(*),
    count(*) filter (where status = 'success'), count(*) filter (where status = 'failed'),
    count(*) filter (where status = 'cancelled'),
    sum(retries_made(status, attempt, attempts_before_round))
  from written group by 1, 2, 3, 4;
  return null;
end
$$;

create function count_removed_deliveries() returns trigger language plpgsql as $$
begin
  insert into delivery_stat_deltas
  select date_trunc('hour', created_at, 'UTC'), client_id, endpoint_id, event_type, -count(*),
    -count(*) filter (where status = 'success'), -count(*) filter (where status = 'failed'),
    -count(*) filter (where status = 'cancelled'),
    -sum(retries_made(status, attempt, attempts_before_round))
  from removed group by 1, 2, 3, 4;
  return null;
end
$$;

create function count_changed_delivery() returns trigger language plpgsql as $$
begin
  if (old.created_at, old.event_type) = (new.created_at, new.event_type)
    and old.client_id is not distinct from new.client_id
    and old.endpoint_id is not distinct from new.endpoint_id
  then
    insert into delivery_stat_deltas values (
      date_trunc('hour', new.created_at, 'UTC'), new.client_id, new.endpoint_id, new.event_type, 0,
      (new.status = 'success')::int - (old.status = 'success')::int,
      (new.status = 'failed')::int - (old.status = 'failed')::int,
      (new.status = 'cancelled')::int - (old.status = 'cancelled')::int,
      retries_made(new.status, new.attempt, new.attempts_before_round)
        - retries_made(old.status, old.attempt, old.attempts_before_round));
  else
    -- Nothing of ours does this; a correction by hand is counted all the same.
    insert into delivery_stat_deltas values (
      date_trunc('hour', old.created_at, 'UTC'), old.client_id, old.endpoint_id, old.event_type, -1,
      -(old.status = 'success')::int, -(old.status = 'failed')::int,
      -(old.status = 'cancelled')::int,
      -retries_made(old.status, old.attempt, old.attempts_before_round)
    ), (
      date_trunc('hour', new.created_at, 'UTC'), new.client_id, new.endpoint_id, new.event_type, 1,
      (new.status = 'success')::int, (new.status = 'failed')::int, (new.status = 'cancelled')::int,
      retries_made(new.status, new.attempt, new.attempts_before_round));
  end if;
  return null;
end
$$;

-- Attempts that a receiver had a part in.
create function count_new_attempts() returns trigger language plpgsql as $$
begin
  insert into attempt_latency_deltas
  select date_trunc('hour', attempted_at, 'UTC'), client_id, endpoint_id,
    latency_bucket(duration_ms), count(*)
  from written
  where error_type is null or error_type in ('http', 'network', 'timeout')
  group by 1, 2, 3, 4;
  return null;
end
$$;

create function count_removed_attempts() returns trigger language plpgsql as $$
begin
  -- A cascade runs one statement for every delivery, most of them over nothing.
  if not exists (select from removed) then return null; end if;
  insert into attempt_latency_deltas
  select date_trunc('hour', attempted_at, 'UTC'), client_id, endpoint_id,
    latency_bucket(duration_ms), -count(*)
  from removed
  where error_type is null or error_type in ('http', 'network', 'timeout')
  group by 1, 2, 3, 4;
  return null;
end
$$;

create trigger delivery_stats_insert after insert on webhook_deliveries
  referencing new table as written
  for each statement execute function count_new_deliveries();

create trigger delivery_stats_delete after delete on webhook_deliveries
  referencing old table as removed
  for each statement execute function count_removed_deliveries();

-- For each row, because only such a trigger can pass over what changes no count: claims, leases,
-- retries.
create trigger delivery_stats_update
  after update of status, attempt, attempts_before_round, event_type, client_id, endpoint_id,
    created_at
  on webhook_deliveries for each row when (
    (old.status is distinct from new.status
     and (old.status in ('success', 'failed', 'cancelled')
          or new.status in ('success', 'failed', 'cancelled')))
    or (old.status = new.status and old.status in ('success', 'failed')
        and old.attempt - old.attempts_before_round <> new.attempt - new.attempts_before_round)
    or (old.created_at, old.event_type) <> (new.created_at, new.event_type)
    or old.client_id is distinct from new.client_id
    or old.endpoint_id is distinct from new.endpoint_id
  ) execute function count_changed_delivery();

create trigger attempt_latency_insert after insert on webhook_delivery_logs
  referencing new table as written
  for each statement execute function count_new_attempts();

create trigger attempt_latency_delete after delete on webhook_delivery_logs
  referencing old table as removed
  for each statement execute function count_removed_attempts();

-- TRUNCATE fires no row's trigger.
create function count_no_deliveries() returns trigger language plpgsql as $$
begin
  truncate delivery_stat_deltas, delivery_stats, delivery_totals;
  return null;
end
$$;
create function count_no_attempts() returns trigger language plpgsql as $$
begin
  truncate attempt_latency_deltas, attempt_latency;
  return null;
end
$$;
create trigger delivery_stats_truncate after truncate on webhook_deliveries
  for each statement execute function count_no_deliveries();
create trigger attempt_latency_truncate after truncate on webhook_delivery_logs
  for each statement execute function count_no_attempts();

-- What is already there. Creating the triggers has locked out writers until this commits.
insert into delivery_stat_deltas
select date_trunc('hour', created_at, 'UTC'), client_id, endpoint_id, event_type, count(*),
  count(*) filter (where status = 'success'), count(*) filter (where status = 'failed'),
  count(*) filter (where status = 'cancelled'),
  sum(retries_made(status, attempt, attempts_before_round))
from webhook_deliveries group by 1, 2, 3, 4;

update webhook_delivery_logs as log
set client_id = delivery.client_id, endpoint_id = delivery.endpoint_id
from webhook_deliveries as delivery
where delivery.id = log.delivery_id
  and (delivery.client_id is not null or delivery.endpoint_id is not null);

insert into attempt_latency_deltas
select date_trunc('hour', attempted_at, 'UTC'), client_id, endpoint_id, latency_bucket(duration_ms),
  count(*)
from webhook_delivery_logs
where error_type is null or error_type in ('http', 'network', 'timeout')
group by 1, 2, 3, 4;

-- The list's filters, alone and with a status, newest first and counted without touching the rows.
-- Whose list is asked without a status merges the five.
drop index webhook_deliveries_by_event_type;
drop index webhook_deliveries_by_endpoint;
drop index webhook_deliveries_by_client;
drop index webhook_deliveries_by_lead;
drop index webhook_deliveries_by_url;
drop index webhook_deliveries_failed_by_endpoint;
drop index webhook_deliveries_failed_by_client;
drop index webhook_deliveries_unfinished_by_endpoint;
create index webhook_deliveries_by_event_type
  on webhook_deliveries (event_type text_pattern_ops, status, id);
create index webhook_deliveries_by_endpoint
  on webhook_deliveries (endpoint_id, status, id) include (event_type)
  where endpoint_id is not null;
create index webhook_deliveries_by_client on webhook_deliveries (client_id, status, id)
  where client_id is not null;
create index webhook_deliveries_by_client_and_event_type
  on webhook_deliveries (client_id, event_type text_pattern_ops, status, id)
  where client_id is not null;
-- How a text begins. A URL has at most 2,048 characters, all ASCII, which an index entry holds; of an
-- expression such as left(webhook_url, 200) no index can be read alone.
create index webhook_deliveries_by_lead
  on webhook_deliveries (lead_id text_pattern_ops, id) include (client_id, status)
  where lead_id is not null;
create index webhook_deliveries_by_url
  on webhook_deliveries (webhook_url text_pattern_ops, id) include (client_id, status);
-- What is due, as it was; whose it is, so that it is counted without the rows.
drop index webhook_deliveries_due;
create index webhook_deliveries_due on webhook_deliveries (next_retry_at, id)
  include (client_id, endpoint_id) where status = 'pending' and not held;

-- Counting reads the index alone where the rows are known to be visible to everybody: that is what
-- vacuum finds out. By default it comes after every fifth row was changed.
alter table webhook_deliveries set (autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
alter table webhook_delivery_logs set (autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
