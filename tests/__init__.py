"""Tests, a folder a tier: the quick ones first, what needs a cluster last."""
