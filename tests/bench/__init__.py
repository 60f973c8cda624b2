"""Measurements beside an alternative, told as ratios."""
