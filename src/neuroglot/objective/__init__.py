"""The scalars s whose gradient scores the neurons (METHODS §1), by name.

An entry is an objective under its default options; `Objective.configured` gives it others.
"""

from neuroglot.objective.objective import Objective, Task, samples_of
from neuroglot.registry import Registry

__all__ = ["OBJECTIVES", "Objective", "Task", "samples_of"]

OBJECTIVES: Registry[Objective] = Registry("objective")

from neuroglot.objective import (  # noqa: E402, F401  one line a new objective
    answer,
    contrastive,
    gold_logit,
    language_id,
    layer_change,
    logprob,
    target_word,
)
