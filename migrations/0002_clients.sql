-- Clients: whose rows are whose. What has no client is the operator's own.

create table clients (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table api_keys (
  id uuid primary key,
  client_id uuid not null references clients (id),
  -- SHA-256 of the key, which has 256 random bits and is shown once.
  key_hash bytea not null unique,
  -- How the key begins: enough to tell keys apart, useless to an attacker.
  key_start text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  constraint key_hash_is_sha_256 check (octet_length(key_hash) = 32)
);
create index api_keys_by_client on api_keys (client_id, id);

-- Lead ids are each client's own: two clients may both have a lead "1". No version that knew them
-- otherwise was released.
alter table leads drop constraint leads_pkey;
alter table leads add column client_id uuid;
create unique index leads_by_id
  on leads (id, coalesce(client_id, '00000000-0000-0000-0000-000000000000'));
