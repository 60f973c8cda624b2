"""Tests of errors, retries, notifications and deadlines."""
