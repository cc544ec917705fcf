"""Where a study's pieces of work are done: here, one after the other, or by Ray on many machines."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.study.executors.estimate import Estimate
from neuroglot.study.executors.local import Local
from neuroglot.study.executors.piece import Executor

if TYPE_CHECKING:
    from neuroglot.study.config import Execution


def available(kind: str, where: str) -> None:
    """Refuses an executor whose package is not installed, before anything is done."""
    if kind == "ray" and find_spec("ray") is None:
        raise NeuroglotError("the executor 'ray' needs its extra: pip install 'neuroglot[ray]'", where)


def executor_of(
    execution: "Execution",
    model: LanguageModel,
    loading: Mapping[str, Any],
    announce: Callable[[Estimate], None] | None = None,
) -> Executor:
    """What a study's key ``executor`` asks for.

    Args:
        execution: The key.
        model: The study's model; a worker's must have the same weights.
        loading: How a worker loads it (`LanguageModel.load`).
        announce: Told what to expect before long work.
    """
    if execution.kind == "local":
        return Local(model, announce)
    from neuroglot.study.executors.actors import Actors  # needs Ray

    return Actors(
        loading, model.fingerprint, model.precision, execution.workers, execution.gpus, execution.address
    )
