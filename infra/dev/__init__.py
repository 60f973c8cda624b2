"""Airflow on this machine, without a cluster: what `make dev` runs."""
