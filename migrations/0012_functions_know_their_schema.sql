-- Every function of ours knows in which schema its tables are, whatever the search_path of whoever writes to
-- them: pg_restore empties it, and so does many an administrator before a statement by hand. A trigger then
-- failed with "relation does not exist".
--
-- Bound by a setting of the function and not by its text, so that the text stays readable and the schema may
-- be any. A call of a trigger costs half a microsecond more, of 13 (100,000 rows of an UPDATE with such a
-- trigger). pg_temp comes last: no temporary table stands in for ours.

do $$
declare
  name text;
  home text;
begin
  foreach name in array array[
    'refuse_unknown_delivery_move', 'count_new_deliveries', 'count_removed_deliveries',
    'count_changed_delivery', 'count_new_attempts', 'count_removed_attempts', 'count_no_deliveries',
    'count_no_attempts', 'tell_of_outbox', 'take_outbox_message_again', 'note_outbox_delivery'
  ] loop
    select namespace.nspname into strict home
    from pg_catalog.pg_proc as function
    join pg_catalog.pg_namespace as namespace on namespace.oid = function.pronamespace
    where function.oid = (name || '()')::regprocedure;
    execute format('alter function %I.%I() set search_path = %I, pg_temp', home, name, home);
  end loop;
end
$$;

-- Without tables, and called for every row: a setting would keep them from being expanded in place. Such a
-- body is read once, when the function is made.
create or replace function retries_made(status text, attempt integer, attempts_before_round integer)
returns integer language sql immutable parallel safe
return case when status in ('success', 'failed')
  then greatest(attempt - attempts_before_round - 1, 0) else 0 end;

create or replace function latency_bucket(duration_ms integer)
returns smallint language sql immutable parallel safe
return width_bucket(duration_ms, array[
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
  ])::smallint;
