"""Whether this host's Airflow job has a young heartbeat in the database: one query, no Airflow."""

from __future__ import annotations

import os
import re
import socket
import sys

# The environment's packages, without the .pth files that `site` would read.
sys.path.append(f"/opt/venv/lib/python3.{sys.version_info.minor}/site-packages")

import psycopg2

QUERY = """
SELECT extract(epoch FROM now() - max(latest_heartbeat)) FROM job
WHERE job_type = %s AND state = 'running' AND hostname = %s
"""


def main(job: str, seconds: float = 60.0) -> int:
    """Return the exit code: 1 when the job's heartbeat is missing or older than `seconds`."""
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    try:
        connection = psycopg2.connect(
            re.sub(r"^postgresql\+\w+", "postgresql", url), connect_timeout=5
        )
    except psycopg2.OperationalError as error:
        # A restart of this container would not bring the database back.
        sys.stderr.write(f"not judged, the database can't be reached: {error}" + "\n")
        return 0
    with connection.cursor() as cursor:
        cursor.execute(QUERY, (job, socket.getfqdn()))
        (age,) = cursor.fetchone() or (None,)
    if age is None or age > seconds:
        found = "none is running" if age is None else f"its last heartbeat was {age:.0f} s ago"
        sys.stderr.write(f"{job} on {socket.getfqdn()}: {found}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(float, sys.argv[2:])))
