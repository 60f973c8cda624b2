"""Tests of the package, each tried for real and none of them in a cluster."""
