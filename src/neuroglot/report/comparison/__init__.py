"""The page, tables and sentences of a comparison."""

from neuroglot.report.comparison.page import write_comparison
from neuroglot.report.comparison.tables import comparison_table

__all__ = ["comparison_table", "write_comparison"]
