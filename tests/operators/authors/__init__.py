"""Tests of what authors work with: the fixtures, the linter, make dev and the how-to."""
