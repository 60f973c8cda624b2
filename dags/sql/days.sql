-- What became of the run's days. Parameters: start and end (dates, the end not included), run_id, state.
INSERT INTO mart.days
SELECT day, %(state)s, %(run_id)s
FROM generate_series(%(start)s::date, %(end)s::date - 1, interval '1 day') AS day
ON CONFLICT (day) DO UPDATE SET state = excluded.state, run_id = excluded.run_id, at = now()
