"""Faults of DAG files."""

from __future__ import annotations

from tests.monitoring.rules.unit import Case, born, minutes, of_airflow, of_exporter

FILE = {"bundle_name": "dags-folder", "file_name": "heavy"}
TIMEOUTS = of_airflow("dag_processing_processor_timeouts", file_path="heavy.py")
STALE = of_exporter("updraft_dag_bundle_refresh_age_seconds", bundle="dags-folder")
TOOK = of_airflow("dag_processing_last_duration_sum", **FILE)

CASES = (
    Case(
        "AirflowDagImportErrors",
        fault={of_exporter("updraft_import_errors"): minutes(0, 2, 15)},
        fires=20,
        ends=28,
        # A push that is mended at once.
        beside={of_exporter("updraft_import_errors"): minutes(0, 2, 4)},
    ),
    Case(
        "AirflowDagParseSlow",
        fault={
            TOOK: "0+32x60 1920+10x120",
            of_airflow("dag_processing_last_duration_count", **FILE): "0+2x300",
        },
        fires=50,
        ends=90,
        beside={TOOK: "0+29x300"},
        labels=FILE,
    ),
    Case(
        "AirflowDagParseTimeout",
        # The first time makes the series.
        fault={TIMEOUTS: born(50, 1)},
        fires=52,
        ends=90,
        beside={TIMEOUTS: "3x600"},
        labels={"file_path": "heavy.py"},
    ),
    Case(
        "AirflowDagBundleStale",
        fault={STALE: minutes(10, 700, 15)},
        fires=20,
        ends=28,
        beside={STALE: minutes(10, 590, 15)},
        labels={"bundle": "dags-folder"},
    ),
)
