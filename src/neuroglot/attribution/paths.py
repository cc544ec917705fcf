"""What paths share: how many steps, where they begin, how α is spaced."""

from typing import Literal, get_args

from neuroglot.errors import NeuroglotError, unknown

Schedule = Literal["uniform", "log"]

LOWEST = 1e-5
"""Where paths begin: so low that s is what it is at a baseline of zeros, and above 0.

At α = 0 the gradient behind a norm may not be finite.
"""


def check_path(steps: int, schedule: str = "uniform") -> None:
    """Refuses a path without a step, or with an unknown spacing.

    Raises:
        NeuroglotError: What is wrong.
    """
    if steps < 1:
        raise NeuroglotError(f"a path needs at least 1 step, not {steps}")
    if schedule not in get_args(Schedule):
        raise unknown("schedule", schedule, get_args(Schedule))
