"""Tests of the recording rules, evaluated by promtool."""
