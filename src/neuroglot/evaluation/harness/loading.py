"""Tasks of the harness by name: ours, those of further folders, and the harness's own."""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.evaluation.harness import check_harness
from neuroglot.evaluation.harness.benchmark import METRICS, Benchmark

TASKS = Path(__file__).parent / "tasks"
"""Our task files; ``lm_eval --include_path`` takes this folder too."""

OURS = "neuroglot_"
"""What the names of our tasks begin with."""


def load_benchmarks(
    names: Sequence[str],
    *,
    limit: int = 200,
    few_shot: int = 0,
    seed: int = 0,
    folders: Sequence[str | Path] = (),
) -> dict[str, Benchmark]:
    """Loads tasks, draws their items and builds what a model is asked.

    Tasks of the same number of items get the same draw, so that parallel ones stay parallel.

    Args:
        names: Tasks or groups; ``task@metric`` counts another of the task's metrics.
        limit: Items a task, at most.
        few_shot: Solved examples before each item, the same whatever the model.
        seed: Of both draws.
        folders: Further folders with task files.

    Raises:
        NeuroglotError: There is no such task, its data cannot be had, it has no accuracy.
    """
    check_harness()
    manager = _manager([name.partition("@")[0] for name in names], folders)
    return {name: _benchmark(manager, name, limit, few_shot, seed) for name in dict.fromkeys(names)}


def _manager(names: Sequence[str], folders: Sequence[str | Path]) -> Any:
    """The index of local tasks, and only if one is not among them, of the harness's own, which takes long."""
    from lm_eval.tasks import TaskManager

    for folder in folders:
        if not Path(folder).is_dir():
            raise NeuroglotError(f"there is no folder of tasks {str(folder)!r}")
    paths = [TASKS, *folders]
    local = TaskManager(include_path=paths, include_defaults=False)
    strange = [name for name in names if name not in local.all_tasks]
    if not strange:
        return local
    everything = None if strange[0].startswith(OURS) else TaskManager(include_path=paths)
    for name in strange:
        if everything is None or name not in everything.all_tasks:
            raise unknown("task", name, local.all_tasks, "lm-evaluation-harness")
    return everything


def _benchmark(manager: Any, name: str, limit: int, few_shot: int, seed: int) -> Benchmark:
    task_name, _, metric = name.partition("@")
    try:
        tasks = manager.load([task_name])["tasks"]
    except NeuroglotError:
        raise
    except Exception as error:  # whatever a task's own code, a hub or a disk may raise
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NeuroglotError(f"it cannot be loaded: {told}", f"task {task_name!r}") from error
    samples = _drawn({each: len(task.eval_docs) for each, task in tasks.items()}, limit, seed)
    tasks = {each: tasks[each] for each in samples}
    for each, task in tasks.items():
        if task.OUTPUT_TYPE == "loglikelihood_rolling":
            raise NeuroglotError("it measures perplexity: no item is right or wrong", f"task {each!r}")
        if few_shot or task.config.num_fewshot is None:
            task.set_config("num_fewshot", few_shot)
        task.set_fewshot_seed(seed)
        with redirect_stderr(io.StringIO()):  # a progress bar a task
            task.build_all_requests(limit=None, samples=list(samples[each]), rank=0, world_size=1)
    return Benchmark(name, metric or _metric(tasks), tasks, samples, few_shot)


def _metric(tasks: Mapping[str, Any]) -> str:
    """The first of `METRICS` that all tasks have."""
    known = set.intersection(*(set(task.aggregation()) for task in tasks.values()))
    for metric in METRICS:
        if metric in known:
            return metric
    name = next(iter(tasks))
    raise NeuroglotError(
        f"it has no accuracy, only {', '.join(sorted(known)) or 'metrics that its parts do not share'}; "
        "task@metric names one that is 0 or 1 an item",
        f"task {name!r}",
    )


def _drawn(sizes: Mapping[str, int], limit: int, seed: int) -> dict[str, list[int]]:
    """Task → places of the items drawn, in order; tasks of which none was drawn are left out."""
    total = sum(sizes.values())
    chosen = np.random.default_rng(seed).permutation(total)[:limit]
    found, start = {}, 0
    for name, size in sizes.items():
        own = sorted((chosen[(chosen >= start) & (chosen < start + size)] - start).tolist())
        if own:
            found[name] = own
        start += size
    return found
