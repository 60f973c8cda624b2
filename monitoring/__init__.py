"""What watches the platform: rules, dashboards, and the configuration of its servers."""
