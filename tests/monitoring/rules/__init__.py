"""Alerts, objectives and their runbooks, by the real promtool and pint."""
