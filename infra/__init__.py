"""Updraft: Apache Airflow 3 on Kubernetes, as one Pulumi program and what operates it."""
