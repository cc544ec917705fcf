"""From a bank on disk to specificity, sets and their overlaps, at the size of a 7B and of a 70B model.

The banks are made up: streamed statistics of random scores in twenty languages, as a pass would have left
them. Every analysis runs in a fresh process, so that its memory is its own. No model takes part.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TypeVar

import numpy as np
import xarray as xr

import measure as timing
from harness import Aim, Part
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.moments import PARTS
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import SUFFIX, load_shard, save_shard
from neuroglot.study.steps import matched_on, mean_activation, select
from workloads import GRAD_ACT, Bench

LANGUAGES = 20
GIB = 2**30

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shape:
    """A model as its bank sees it.

    Attributes:
        name: Of the size.
        layers: Of the model.
        width: Neurons a layer.
        quantities: What the pass kept.
    """

    name: str
    layers: int
    width: int
    quantities: Sequence[Quantity]


SHAPES = (
    Shape("7B", 32, 11008, (GRAD_ACT, mean_activation("mlp"), matched_on("rate", "mlp"))),
    Shape("70B", 80, 28672, (GRAD_ACT,)),
)


@dataclass(frozen=True)
class Analysis:
    """What one analysis took.

    Attributes:
        seconds: From the file to the overlaps.
        bare: Bytes of memory before it: the interpreter and its libraries.
        peak: Bytes of memory at most, these included.
        shared: Neurons that two languages' sets share, on average: what came of it.
    """

    seconds: float
    bare: int
    peak: int
    shared: float


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """Analyses both banks in turn, and reads the smaller one to its last byte once."""
    found: dict[str, list[Analysis]] = {shape.name: [] for shape in SHAPES}
    figures = {}
    with TemporaryDirectory() as folder:
        files = {shape.name: Path(folder) / shape.name / f"bank-00000{SUFFIX}" for shape in SHAPES}
        for shape in SHAPES:
            say(f"a bank of {shape.name} shape is made up")
            alone(partial(make_up, shape, files[shape.name]))
            figures[f"{shape.name}: GB on disk"] = files[shape.name].stat().st_size / 1e9
        for number in range(rounds):
            for shape in SHAPES:
                say(f"round {number + 1} of {rounds}: analysis of {shape.name} shape")
                found[shape.name].append(alone(partial(analyse, files[shape.name].parent)))
        say("every byte is checked")
        begin = perf_counter()
        load_shard(files[SHAPES[0].name])
        figures[f"{SHAPES[0].name}: seconds to check every byte"] = perf_counter() - begin
    taken = {f"analysis, {name}": [one.seconds for one in every] for name, every in found.items()}
    peaks = {name: max(one.peak for one in every) / GIB for name, every in found.items()}
    for name, every in found.items():
        figures[f"{name}: GiB above the libraries"] = max(one.peak - one.bare for one in every) / GIB
        figures[f"{name}: neurons shared by two languages"] = every[0].shared
    small, large = (shape.name for shape in SHAPES)
    aims = [
        Aim(f"{small} bank to sets and overlaps ≤ 10 s", median(taken[f"analysis, {small}"]), 10),
        Aim(f"{small} bank to sets and overlaps ≤ 4 GiB", peaks[small], 4),
        Aim(f"{large} bank to sets and overlaps ≤ 2 GiB", peaks[large], 2),
    ]
    notes = [
        f"{LANGUAGES} languages; made-up streamed statistics, from the file on disk; memory with libraries",
        "what bounds 70B: two float64 arrays, language × neuron (0.37 GB each), masks, a language's scores",
    ]
    return Part("analysis", taken, aims, figures, notes)


def make_up(shape: Shape, path: Path) -> None:
    """Writes the bank of a pass that never was."""
    rng = np.random.default_rng(0)
    languages = np.array([f"l{number:02d}" for number in range(LANGUAGES)], dtype=np.dtypes.StringDType())
    bank = xr.Dataset(
        {"samples": ("language", np.full(LANGUAGES, 500)), "tokens": ("language", np.full(LANGUAGES, 12500))},
        coords={"language": languages, "layer": np.arange(shape.layers)},
        attrs={"kind": "moments", "unit": "tokens"},
    )
    for quantity in shape.quantities:
        for part in PARTS:
            scores = rng.standard_exponential((LANGUAGES, shape.layers, shape.width))
            bank[f"{quantity.variable}:{part}"] = (("language", "layer", "neuron"), scores)
    tree = xr.DataTree.from_dict({"mlp": bank})
    tree.attrs.update(
        model=json.dumps({"layers": shape.layers, "width": {"mlp": shape.width}}),
        corpus=json.dumps({"name": "made up"}),
        languages=json.dumps(languages.tolist()),
        positions="all",
        unit="tokens",
    )
    path.parent.mkdir(parents=True)
    save_shard(tree, path)


def analyse(folder: Path) -> Analysis:
    """Sets at 1 % by moderated z-scores, and what every two languages' sets share."""
    bare = timing.status("VmRSS")
    begin = perf_counter()
    sets = select(ScoreBank.load(folder), "grad_act", "1%")
    shared = [one.overlap(other).shared for one, other in combinations(sets.values(), 2)]
    return Analysis(perf_counter() - begin, bare, timing.status("VmHWM"), float(np.mean(shared)))


def alone(work: Callable[[], Result]) -> Result:
    """Does it in a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work).result()
