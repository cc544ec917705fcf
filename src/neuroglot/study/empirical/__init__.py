"""Empirical gradients of neurons: measured, and how well they are estimated (Zhao et al. 2024)."""

from neuroglot.study.empirical.measuring import neg
from neuroglot.study.empirical.settings import NegSettings, load_settings

__all__ = ["NegSettings", "load_settings", "neg"]
