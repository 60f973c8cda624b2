"""Moves the rows of a table or a query between two databases: all of them, once, or none."""

from __future__ import annotations

from updraft.transfer.operator import CustomDataOperator

__all__ = ["CustomDataOperator"]
