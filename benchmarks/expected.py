"""What is said before a run against what the run then takes, in a process of its own."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import measure as timing
from harness import Aim, Part
from neuroglot.model.language_model import LanguageModel
from neuroglot.study.executors.estimate import Estimate
from neuroglot.study.executors.local import Local
from neuroglot.study.recipe import recipe_names
from neuroglot.study.steps import score
from neuroglot.text.corpus import Corpus
from workloads import Bench

LANGUAGES = ["en", "zh", "vi", "fr", "ru", "ar"]
SENTENCES = 40
"""A language; some 6,000 tokens in all, three shards."""


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """One pass of all shipped recipes, with checkpointing and without."""
    seconds, figures, aims = {}, {}, []
    for name, checkpointing in (("pass", False), ("pass, checkpointing", True)):
        say(name)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            expected, taken, peak = pool.submit(a_pass, bench.model.name, checkpointing).result()
        memory = expected.memory or 0
        seconds[name] = [taken]
        figures |= {
            f"{name}: seconds said": expected.seconds,
            f"{name}: GB said": memory / 1e9,
            f"{name}: GB taken": peak / 1e9,
        }
        aims.append(Aim(f"{name}: memory said within 20 % of taken", abs(memory / peak - 1), 0.2))
    return Part("estimate", seconds, aims, figures, [f"{SENTENCES} sentences in {len(LANGUAGES)} languages"])


def a_pass(model: str, checkpointing: bool) -> tuple[Estimate, float, int]:
    """What was said, seconds and peak of what then happened."""
    told: list[tuple[Estimate, float]] = []

    def listen(expected: Estimate) -> None:
        timing.forget_peak()
        told.append((expected, perf_counter()))

    loaded = LanguageModel.load(model, device="cpu")
    text = Corpus.commons(LANGUAGES).take(SENTENCES, 0)
    with TemporaryDirectory() as folder:
        score(
            loaded,
            text,
            recipe_names(),
            folder=Path(folder) / "bank",
            executor=Local(loaded, listen),
            checkpointing=checkpointing,
        )
    expected, began = told[0]
    return expected, perf_counter() - began, timing.status("VmHWM")
