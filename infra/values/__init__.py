"""Pure functions from settings to what the chart and the pods are given."""
