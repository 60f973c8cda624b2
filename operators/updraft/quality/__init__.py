"""Data quality: typed checks of a table in one statement, and a quarantine for bad rows."""

from updraft.quality.base import Severity
from updraft.quality.operator import DataQualityOperator
from updraft.quality.quarantine import Quarantine
from updraft.quality.rows import AcceptedValues, InRange, NotNull, References, Unique
from updraft.quality.tables import CustomSql, Fresh, RowCount, RowCountChange

__all__ = [
    "AcceptedValues",
    "CustomSql",
    "DataQualityOperator",
    "Fresh",
    "InRange",
    "NotNull",
    "Quarantine",
    "References",
    "RowCount",
    "RowCountChange",
    "Severity",
    "Unique",
]
