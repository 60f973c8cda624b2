"""Metrics of what the metadata database knows and Airflow doesn't send, for Prometheus.

It imports nothing of Airflow, so that it stays small; `python -m updraft.exporter --help` tells how
it is run.
"""
