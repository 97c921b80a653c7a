-- Which installation this is: its queue in Redis is named after it, so that several share one Redis and take
-- nothing from each other. The row is made at the first start and not here, or a restore of the data alone
-- would meet it.
create table installation (
  is_only boolean primary key default true,
  id uuid not null default gen_random_uuid(),
  constraint there_is_one_row check (is_only)
);
