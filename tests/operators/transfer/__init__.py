"""Tests of the transfer between databases."""
