"""Tests against a real cluster that they make and take down themselves."""
