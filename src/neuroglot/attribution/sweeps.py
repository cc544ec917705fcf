"""Scores that need more than one plain pass: several backward passes, a path, a forward a neuron.

A sweep gets a batch and an objective and gives every neuron's score at every position (or of the whole
sample); the engine reduces tokens, labels and keeps what comes out, as it does for the scores of one pass.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jaxtyping import Float
from torch import Tensor

from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel

Hidden = Float[Tensor, "row position hidden"]
Activation = Float[Tensor, "row position neuron"]

Value = Callable[[Hidden], tuple[Float[Tensor, " row"], Hidden]]
"""Last hidden states → s of each row and ∂s/∂hidden: an objective that knows its batch and its head."""

Place = tuple[str, int]
"""Site and layer."""


@dataclass(frozen=True)
class Swept:
    """What a sweep found.

    Attributes:
        tokens: Site → layer → score at every position; BOS and padding may hold anything.
        samples: The same for scores of the whole sample, which have no tokens to reduce.
        missing: Path methods: what the sum over a layer lacks of ``change``, for each row.
        change: What that sum ought to be: s at the end of the path − s at its start.
    """

    tokens: Mapping[str, Mapping[int, Activation]] = field(default_factory=dict)
    samples: Mapping[str, Mapping[int, Float[Tensor, "row neuron"]]] = field(default_factory=dict)
    missing: Mapping[Place, Float[Tensor, " row"]] = field(default_factory=dict)
    change: Mapping[Place, Float[Tensor, " row"]] = field(default_factory=dict)


class Sweep(Protocol):
    """All neurons' scores for a batch."""

    def __call__(
        self,
        model: LanguageModel,
        batch: Batch,
        value: Value,
        sites: Sequence[str],
        layers: Sequence[int],
        options: Any,
    ) -> Swept:
        """Scores at ``sites`` of ``layers``; ``options`` is an instance of the score's own dataclass."""
        ...
