"""Tests of the library's DAGs, run to their end in this process."""
