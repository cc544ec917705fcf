"""The registry of checks: what else could explain that switching a set off hurts its language?

A check is one file: a function from the run under way and the check's own options to frames, its options as
a model, and what it needs of the pass. In a study: ``checks: [units, {name: dose, options: {strengths: [0,
0.5]}}]``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuroglot.registry import Registry
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.named import Named, Strict
from neuroglot.study.sections import Frames
from neuroglot.study.validation import validated

if TYPE_CHECKING:
    from neuroglot.study.config import Study
    from neuroglot.study.controls.controlling import Controlling


class NoOptions(Strict):
    """For a check that has nothing to set."""


def _nothing(study: "Study", options: Any) -> Sequence[Quantity]:
    return ()


def _fine(study: "Study", options: Any) -> None:
    return


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        measure: (the controls under way, options) → frames by name.
        options: Their names, kinds and defaults.
        reads: (study, options) → what it needs of the pass over the identification text.
        refuse: Raises on a study that cannot be checked so, before any model time.
    """

    measure: Callable[["Controlling", Any], Frames]
    options: type[Strict] = NoOptions
    reads: Callable[["Study", Any], Sequence[Quantity]] = _nothing
    refuse: Callable[["Study", Any], None] = _fine


CHECKS: Registry[Check] = Registry("check")


def options_of(named: Named, where: str = "") -> Strict:
    """A check's options, complete.

    Raises:
        NeuroglotError: There is no such check, or it has no such option.
    """
    known = CHECKS[named.name].options
    return validated(known, named.options, f"{where}: {named.name}" if where else f"check {named.name!r}")
