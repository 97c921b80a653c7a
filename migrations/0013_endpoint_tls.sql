-- What an endpoint's owner gives for TLS: a client certificate with its key, and a private authority.

alter table webhook_endpoints
  -- An AES-256-GCM box bound to this row, as its secrets are. Null: what everybody gets.
  add column tls_encrypted bytea,
  -- Which of `certificate`, `privateKey` and `ca` are in it.
  add column tls_parts text[] not null default '{}',
  add constraint tls_parts_iff_tls check ((tls_encrypted is not null) = (cardinality(tls_parts) > 0));
