"""Tests of dynamic patterns and sizes."""
