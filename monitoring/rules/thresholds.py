"""What alerts compare with: each number once, with its reason."""

from __future__ import annotations

from typing import Final

# Components beat every 5 s, and Airflow itself calls one unhealthy after 30.
HEARTBEAT_SECONDS: Final = 60
# From here on a restarting component, which opens its pool anew, may find none left.
DATABASE_CONNECTIONS: Final = 0.85
# A day's growth is seldom more than what is left.
VOLUME_LEFT: Final = 0.1

# Airflow gives a file's import 30 s, [core] dagbag_import_timeout; half of it is a warning.
PARSE_SECONDS: Final = 15
# git-sync looks every few seconds, and the processor every 10 ([dag_processor] refresh_interval).
BUNDLE_AGE_SECONDS: Final = 600

# The scheduler creates runs every few seconds; a minute is a loop that can't keep up.
SCHEDULE_DELAY_SECONDS: Final = 60
# Tasks wait here for slots of their DAG too, so more is normal than for runs.
SCHEDULED_SECONDS: Final = 120
# An idle loop sleeps 1 s: a longer critical section is what bounds the tasks a second.
CRITICAL_SECTION_SECONDS: Final = 2
# Of the executor's slots, [core] parallelism.
SLOTS_LEFT: Final = 0.1
# Far beyond what a pod takes to start, image included, and well under task_queued_timeout.
QUEUED_SECONDS: Final = 600
# A backlog on a full quota is by design; after an hour somebody should know.
QUOTA_BACKLOG_SECONDS: Final = 3600

# A DAG whose every other try fails is broken; fewer are what retries are for.
DAG_FAILURE_RATIO: Final = 0.5
DAG_TRIES: Final = 10
DAG_RUNS: Final = 3
# All DAGs together: less than this is some DAGs' own trouble.
FAILURE_RATIO: Final = 0.3
TRIES: Final = 20
DAGS_FAILING: Final = 3

# A lone refusal is asked for again at once.
CREATIONS_REFUSED: Final = 3
QUOTA_NEAR: Final = 0.9
# Pods don't divide a quota evenly: what is left fits none.
QUOTA_FULL: Final = 0.99

# A lone hiccup may be the node's.
TRIGGERS_BLOCKED: Final = 5
TRIGGERER_USED: Final = 0.9

# Of the collector's queue, which holds about an hour of a busy node.
QUEUE_USED: Final = 0.5
# Of Loki's answers that are errors.
LOKI_ERROR_RATIO: Final = 0.05
