"""The Platform page in Airflow's UI: quota, waiting, pods, failures, cost and alerts, at one look.

The API server alone imports what is below this package, when the first visitor asks for the page.
"""
