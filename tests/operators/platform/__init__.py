"""Tests of the Platform page, with a real Prometheus, a real Airflow and a real browser."""
