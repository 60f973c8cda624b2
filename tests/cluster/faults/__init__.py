"""Faults on the real cluster: each fires its alert, which resolves after it."""
