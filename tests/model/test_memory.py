"""Batches are halved when memory runs out; a sample that does not fit alone is named."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.memory import in_batches, out_of_memory
from neuroglot.text.samples import Sample

FULL = (
    "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
)


def sample(number, length):
    return Sample("vi", f"d{number}", 0, tuple(range(length)), 1, 1)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError(FULL), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("allocate memory"), False),
    ],
)
def test_knows_a_lack_of_memory(error, expected):
    assert out_of_memory(error) is expected


@pytest.mark.parametrize("room", [10, 12, 25, 40, 1000])
def test_every_sample_is_done_once_in_batches_that_fit(room, caplog):
    samples = [sample(number, 3 + number % 8) for number in range(40)]
    done, tried = [], []

    def work(batch):
        size = len(batch) * max(len(samples[index].ids) for index in batch)
        tried.append(size)
        if size > room:
            raise RuntimeError(FULL)
        done.extend(batch)

    in_batches(samples, 100, work)
    assert sorted(done) == list(range(40))
    assert len([size for size in tried if size > room]) <= 4  # halved, not tried again and again
    assert ("out of memory" in caplog.text) == (room < 100)


def test_one_sample_that_does_not_fit_is_named_with_what_to_change():
    samples = [sample(0, 4), sample(7, 9)]

    def work(batch):
        if 1 in batch:
            raise torch.OutOfMemoryError("no")

    message = r"single sample: language 'vi', document 'd7', 9 positions.*dtype.*unit: sentence"
    with pytest.raises(NeuroglotError, match=message):
        in_batches(samples, 100, work)


def test_other_errors_pass_through():
    def work(batch):
        raise RuntimeError("shapes")

    with pytest.raises(RuntimeError, match="shapes"):
        in_batches([sample(0, 4)], 100, work)
