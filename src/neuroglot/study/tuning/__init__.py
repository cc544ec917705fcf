"""A diagnostic: does tuning a language's neurons help it more than tuning others, and what of the rest?"""

from neuroglot.study.tuning.settings import TuneSettings
from neuroglot.study.tuning.tuning import Tuning

__all__ = ["TuneSettings", "Tuning"]
