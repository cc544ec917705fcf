"""The page, table and sentences of a tuning."""

from neuroglot.report.tuning.page import write_tuning
from neuroglot.report.tuning.summary import summarise
from neuroglot.report.tuning.table import tuning_table
from neuroglot.report.tuning.tuned import Tuned

__all__ = ["Tuned", "summarise", "tuning_table", "write_tuning"]
