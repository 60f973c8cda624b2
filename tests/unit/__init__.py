"""Tests that need no cluster, no chart and no image."""
