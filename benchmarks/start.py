"""How soon the command line answers, and how long a warm model takes to load."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import measure as timing
from harness import Aim, Part
from workloads import Bench

HELP, LOAD = "neuroglot --help", "a warm LanguageModel.load"

LOADING = """
from time import perf_counter
from neuroglot.model.language_model import LanguageModel
import transformers.models.auto, torch
start = perf_counter()
LanguageModel.load({name!r}, device="cpu")
print(perf_counter() - start)
"""


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """Fresh processes, warm files."""
    command = [str(Path(sys.executable).with_name("neuroglot")), "--help"]
    say(HELP)
    subprocess.run(command, check=True, capture_output=True)
    seconds: dict[str, list[float]] = {HELP: [], LOAD: []}
    loading = [sys.executable, "-c", LOADING.format(name=bench.model.name)]
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        start = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds[HELP].append(perf_counter() - start)
        printed = subprocess.run(loading, check=True, capture_output=True, text=True).stdout
        seconds[LOAD].append(float(printed.split()[-1]))
    return Part(
        "start",
        seconds,
        [
            Aim(f"{HELP} ≤ 0.5 s", median(seconds[HELP]), 0.5),
            Aim(f"{LOAD} ≤ 5 s", median(seconds[LOAD]), 5),
        ],
        {"GB of this process": timing.status("VmRSS") / 1e9},
        ["a load is timed after the imports"],
    )
