"""Tests of task logs read back from Loki."""
