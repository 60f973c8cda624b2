"""Alertmanager as it is shipped, and a receiver that is told."""
