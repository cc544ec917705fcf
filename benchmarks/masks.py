"""Likelihood under masks against `model(labels=…)` with the same hooks, and what sharing a prefix gains."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

import measure as timing
from harness import Aim, Part, ratio
from neuroglot.evaluation import likelihood as module
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from workloads import Bench, mixed

MASKS = 4
SHARE = 0.01
OURS, MIXED, THEIRS = "likelihood", "likelihood, mixed", "model(labels=…) with the same hooks"
SHARED, UNSHARED = "masks of the upper half, prefix shared", "the same, not shared"


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """Times likelihood under a few masks in both precisions, the usual way, and with and without sharing."""
    model, samples = bench.model, bench.batch.samples
    masks = random_masks(model.layers, model.site("mlp").width, first=0)
    upper = random_masks(model.layers, model.site("mlp").width, first=model.layers // 2)
    found: dict[str, np.ndarray] = {}

    def ours(name: str, which: dict[str, Intervention], how: AbstractContextManager[None]) -> None:
        with how:
            found[name] = likelihood(model, samples, which)["log_prob"].values

    def theirs() -> None:
        found[THEIRS] = np.stack([by_labels(bench, mask) for mask in masks.values()])

    def unshared() -> None:
        own = module._sharing
        module._sharing = lambda *_: {}
        try:
            ours(UNSHARED, upper, nullcontext())
        finally:
            module._sharing = own

    workloads = {
        OURS: lambda: ours(OURS, masks, nullcontext()),
        MIXED: lambda: ours(MIXED, masks, mixed(model)),
        THEIRS: theirs,
        SHARED: lambda: ours(SHARED, upper, nullcontext()),
        UNSHARED: unshared,
    }
    for name, workload in workloads.items():
        say(f"warming up: {name}")
        workload()
    seconds = timing.seconds(workloads, rounds, say)
    tokens = sum(sample.tokens for sample in samples) * len(masks)
    return Part(
        "masks",
        seconds,
        [
            Aim("likelihood ≤ 0.85 × model(labels=…)", ratio(seconds, OURS, THEIRS), 0.85),
            Aim("likelihood, mixed ≤ 0.4 × model(labels=…) in float32", ratio(seconds, MIXED, THEIRS), 0.4),
        ],
        {
            **{f"tokens × masks a second: {name}": tokens / min(seconds[name]) for name in workloads},
            "time with the prefix shared, of that without": ratio(seconds, SHARED, UNSHARED),
            "nats a token apart, float32": gap(found[OURS], found[THEIRS], bench),
            "nats a token apart, mixed": gap(found[MIXED], found[THEIRS], bench),
        },
        [
            f"{len(masks)} masks of {SHARE:.0%} of the neurons, rows of one batch under different masks; "
            f"proofs included; upper half: from layer {model.layers // 2}"
        ],
    )


def random_masks(layers: int, width: int, first: int) -> dict[str, Intervention]:
    """Nothing off, and random sets that begin in a layer."""
    draw = np.random.default_rng(0)
    masks = {"none": Intervention(NeuronSet("mlp", np.zeros((layers, width), dtype=bool)))}
    for number in range(MASKS - 1):
        mask = draw.random((layers, width)) < SHARE
        mask[:first] = False
        masks[str(number)] = Intervention(NeuronSet("mlp", mask))
    return masks


@torch.inference_mode()
def by_labels(bench: Bench, mask: Intervention) -> np.ndarray:
    """What one writes first: a mask at a time, all rows, transformers' own loss from its own logits.

    Its loss is the mean over the batch, so all rows come to one number.
    """
    labels = bench.batch.ids.clone()
    labels[~bench.batch.real] = -100
    labels[:, 0] = bench.batch.ids[:, 0]
    with intervene(bench.model, mask):
        loss = bench.model.network(input_ids=bench.batch.ids, labels=labels, use_cache=False).loss
    return np.array([-loss.item()])


def gap(ours: np.ndarray, theirs: np.ndarray, bench: Bench) -> float:
    """The largest difference over masks of the mean log-probability of a token."""
    tokens = sum(sample.tokens for sample in bench.batch.samples)
    return float(np.abs(ours.sum(axis=1) / tokens - theirs[:, 0]).max())
