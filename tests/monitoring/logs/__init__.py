"""Tests of how lines come from pods' files to Loki."""
