-- Requests per second of a client's key to one ingest process; null: as the process is configured.
alter table api_keys add column requests_per_second integer,
  add constraint requests_per_second_is_positive check (requests_per_second > 0);
