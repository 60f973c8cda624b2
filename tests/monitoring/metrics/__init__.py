"""Names and labels of metrics, by the real exporter."""
