"""Recipes side by side: one bank, one split, one budget, and everything that could explain a difference."""

from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.comparison.settings import Compare, Comparison, load_comparison

__all__ = ["Compare", "Comparing", "Comparison", "load_comparison"]
