-- An attempt may be several calls (packages/shared/src/core/formats/convertkit.ts), each with a row of
-- its own in the log and the same attempt_number. The last one carries the attempt's claim_id; those
-- before it, which were successes, an id that was made up for the row.
alter table webhook_delivery_logs
  -- Query string masked; null: the delivery's own URL.
  add column request_url text;
