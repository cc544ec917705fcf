"""How it is measured: seconds in interleaved rounds, memory in a fresh process each, and where."""

import os
import platform
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from neuroglot.model.precision import resolve
from workloads import WORKLOADS, Bench, Workload


@dataclass(frozen=True)
class Memory:
    """Resident memory of one process, in bytes.

    Attributes:
        loaded: With the model loaded and every weight touched.
        peak: The most while the workload was prepared and ran once; the model is part of it.
    """

    loaded: int
    peak: int


def memory(workload: str, model: str, tokens: int) -> Memory:
    """Peak memory of a workload, in a process that does nothing else (Linux)."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_memory_here, workload, model, tokens).result()


def _memory_here(workload: str, model: str, tokens: int) -> Memory:
    bench = Bench.of(model, tokens)
    for weight in bench.model.network.parameters():
        weight.sum()  # safetensors maps the file: untouched weights are not resident yet
    loaded = status("VmRSS")
    forget_peak()  # that of loading
    WORKLOADS[workload](bench)()
    return Memory(loaded, status("VmHWM"))


def forget_peak() -> None:
    """From now on ``VmHWM`` is the peak since now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def status(key: str) -> int:
    """A line of the process's status, in bytes: ``VmRSS`` is resident memory, ``VmHWM`` its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def seconds(
    workloads: Mapping[str, Workload], runs: int, advance: Callable[[str], None]
) -> dict[str, list[float]]:
    """Seconds of every run. Rounds go A B C A B C, so that a slow minute of the machine slows all alike."""
    found: dict[str, list[float]] = {name: [] for name in workloads}
    for run in range(runs):
        for name, workload in workloads.items():
            advance(f"round {run + 1} of {runs}: {name}")
            start = perf_counter()
            workload()
            found[name].append(perf_counter() - start)
    return found


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "cpu": next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown"
        ),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "bfloat16": "yes" if resolve("auto", "cpu") == "mixed" else "no",
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{package: version(package) for package in ("torch", "transformers", "captum", "neuroglot")},
    }
