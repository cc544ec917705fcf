"""Controls: what else could explain that switching a set off hurts its language? One file a check."""

# Each import registers its check.
from neuroglot.study.controls import (
    baselines,  # noqa: F401
    choice,  # noqa: F401
    direct,  # noqa: F401
    dose,  # noqa: F401
    matched,  # noqa: F401
    parallel,  # noqa: F401
    romanised,  # noqa: F401
    scripts,  # noqa: F401
    stability,  # noqa: F401
    superficial,  # noqa: F401
    tokens,  # noqa: F401
    units,  # noqa: F401
)
from neuroglot.study.controls.checks import CHECKS, Check, options_of
from neuroglot.study.controls.controlling import Controlling, asked_for, checks_of

__all__ = ["CHECKS", "Check", "Controlling", "asked_for", "checks_of", "options_of"]
