"""What watches the platform: its programs, rules, dashboards and logs, run for real."""
