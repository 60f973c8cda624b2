"""Questions to the metadata database of Airflow 3.3, answered by an index or a small table."""

from __future__ import annotations

# The states in which something is still to happen; none is that of a task that must wait.
UNFINISHED = (
    "none",
    "scheduled",
    "queued",
    "running",
    "restarting",
    "deferred",
    "awaiting_input",
    "up_for_retry",
    "up_for_reschedule",
)
# What Airflow calls the jobs of its components.
COMPONENTS = {
    "SchedulerJob": "scheduler",
    "DagProcessorJob": "dag_processor",
    "TriggererJob": "triggerer",
}
# Seconds without a heartbeat after which Airflow itself takes a component for dead.
ALIVE = 30
TABLES = 20

_STATES = ", ".join(f"'{state}'" for state in UNFINISHED if state != "none")
_JOBS = ", ".join(f"'{job}'" for job in COMPONENTS)

QUERIES = {
    # Index ti_state.
    "tasks": f"""
        SELECT coalesce(state, 'none'), pool, count(*), sum(pool_slots),
               extract(epoch FROM now() - min(queued_dttm))::float
        FROM task_instance WHERE state IN ({_STATES}) OR state IS NULL GROUP BY 1, 2""",  # noqa: S608 -- constants, here and below
    # Index job_type_heart.
    "jobs": f"""
        SELECT job_type, extract(epoch FROM now() - max(latest_heartbeat))::float,
               count(*) FILTER (WHERE state = 'running'
                                AND latest_heartbeat > now() - interval '{ALIVE} s')
        FROM job WHERE job_type IN ({_JOBS}) GROUP BY 1""",  # noqa: S608
    "errors": "SELECT count(*) FROM import_error",
    "bundles": """
        SELECT name, extract(epoch FROM now() - last_refreshed)::float, version
        FROM dag_bundle WHERE active""",
    "dags": "SELECT is_paused, count(*) FROM dag WHERE NOT is_stale GROUP BY 1",
    "pools": "SELECT pool, slots, include_deferred FROM slot_pool",
    "size": """
        SELECT pg_database_size(current_database()), current_setting('max_connections')::int,
               xact_commit, xact_rollback, blks_hit, blks_read, deadlocks
        FROM pg_stat_database WHERE datname = current_database()""",
    # This program's own session is none of what it tells.
    "sessions": """
        SELECT coalesce(state, 'unknown'), count(*),
               extract(epoch FROM now() - min(xact_start))::float
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY 1""",
    "tables": f"""
        SELECT relname, pg_total_relation_size(relid), n_dead_tup
        FROM pg_stat_user_tables ORDER BY 2 DESC LIMIT {TABLES}""",  # noqa: S608
}

# Tries that began at or after a moment, each once, with whether its wait is known.
#
# task_instance has no index on start_date, but ti_heartbeat on last_heartbeat_at, which is set when
# a try begins, and stays when the row goes on to the next try. What the row held of earlier tries
# is then in the history, found by its unique key. A row on its way to the next try still has the
# last one's start, and the history has the same: the start tells tries apart, not the id.
# A sensor that is rescheduled begins anew with each look; only its first is the try's beginning.
# A deferred task keeps its start and gets a new queued_dttm: its wait is known until it is resumed.
STARTS = """
    WITH recent AS MATERIALIZED (
        SELECT id, dag_id, task_id, run_id, map_index, start_date, queued_dttm
        FROM task_instance WHERE last_heartbeat_at >= %(since)s
    ), starts AS (
        SELECT dag_id, task_id, run_id, map_index, start_date, queued_dttm FROM recent
        WHERE NOT EXISTS (SELECT FROM task_reschedule look WHERE look.ti_id = recent.id
                          AND look.start_date < recent.start_date)
        UNION ALL
        SELECT dag_id, task_id, run_id, map_index, past.start_date, past.queued_dttm
        FROM recent JOIN task_instance_history past USING (dag_id, task_id, run_id, map_index)
    )
    SELECT DISTINCT ON (dag_id, task_id, run_id, map_index, start_date)
           dag_id, task_id, run_id, map_index, start_date,
           extract(epoch FROM start_date - queued_dttm)::float
    FROM starts WHERE start_date >= %(since)s
    ORDER BY dag_id, task_id, run_id, map_index, start_date,
             (queued_dttm <= start_date) DESC NULLS LAST"""
