"""What a search of gates may be told."""

from dataclasses import dataclass

from neuroglot.errors import NeuroglotError


@dataclass(frozen=True)
class GateSettings:
    """How to search. The defaults come from trials on Gemma-3-270M with 8 languages and a budget of 1 %.

    Attributes:
        steps: At most so many, the trial included.
        target_sentences: Of the target language, each step.
        other_sentences: Of other languages, each step.
        weights: λ to try: what a loss of the others counts against one of the target. It grows to that from
            a quarter on over the first half of the steps.
        rates: Step sizes to try, in ranks: 1 is the way from the least to the most specific neuron. They
            shrink evenly to a tenth at the last step.
        tolerated: Mean collateral that a mask may have; what goes beyond is taken off its F1 when masks are
            compared, because F1 alone would trade much of it for the loss of a hard target.
        trial: Steps that each pair of λ and step size gets before the best on validation goes on.
        memory: Share of a running mean of gradients that stays at each new one.
        sharpness: How much more the most damaged languages count than the others, per unit of relative drop.
        validate_every: Steps from one validation to the next.
        patience: Validations without a gain after which a search stops.
        vocabulary: Tokens that the search's own head knows (see `narrowed`); 0: all.
        seed: Of the sentences drawn.
    """

    steps: int = 100
    target_sentences: int = 4
    other_sentences: int = 3
    weights: tuple[float, ...] = (3.0, 6.0)
    rates: tuple[float, ...] = (0.03,)
    tolerated: float = 0.03
    trial: int = 20
    memory: float = 0.8
    sharpness: float = 20.0
    validate_every: int = 20
    patience: int = 3
    vocabulary: int = 32768
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "target_sentences", "other_sentences", "trial", "validate_every", "patience"):
            if (value := getattr(self, name)) < 1:
                raise NeuroglotError(f"gates: {name} must be at least 1, and is {value}")
        for name in ("weights", "rates"):
            if not (values := getattr(self, name)) or not all(value > 0 for value in values):
                raise NeuroglotError(f"gates: {name} must be positive numbers, not {values}")
        if not 0 <= self.memory < 1:
            raise NeuroglotError(f"gates: memory must be from 0 up to 1, and is {self.memory}")
