"""Tests of what is rendered and how it is applied."""
