"""Shards on disk: bit-equal, whole or absent, and never silently damaged."""

import errno
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.moments import summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import SUFFIX, load_shard, save_shard

MLP, RESID = Quantity("mlp", "grad_act", "max", 1), Quantity("resid", "active", "sum")


@pytest.fixture
def shard(shard_of):
    rng = np.random.default_rng(0)
    scores = {
        MLP: rng.standard_normal((6, 2, 50), np.float32),
        RESID: rng.standard_normal((6, 2, 8), np.float32),
    }
    return shard_of(["en", "zh", "en", "sw", "zh", "en"], scores, model="tiny", seed=3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / f"00000{SUFFIX}"


def test_labels(shard):
    dataset = shard["mlp"].to_dataset()
    assert dataset["grad_act.max"].dims == ("sample", "layer", "neuron")
    assert dataset["language"].values.tolist() == ["en", "zh", "en", "sw", "zh", "en"]
    assert dataset["tokens"].values.tolist() == [3, 4, 5, 6, 7, 3]
    assert dataset["characters"].values.tolist() == [20, 21, 22, 23, 24, 25]
    assert dataset["bytes"].values.tolist() == [30, 31, 32, 33, 34, 35]
    assert dataset["grad_act.max"].attrs == {"power": 1}
    assert shard.attrs == {"model": "tiny", "seed": 3}


def bits(tree):
    return {
        f"{site}/{name}": (array.dtype, array.values.tobytes())
        for site, node in tree.children.items()
        for name, array in node.data_vars.items()
    }


@pytest.mark.parametrize("streamed", [False, True])
def test_what_was_saved_comes_back_bit_for_bit(shard, path, streamed):
    tree = summarise(shard, histograms=True) if streamed else shard
    save_shard(tree, path)
    found = load_shard(path)
    assert bits(found) == bits(tree)
    assert found.identical(tree)


def test_special_values_come_back(shard_of, path):
    scores = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45], np.float32).reshape(1, 1, 6)
    tree = shard_of(["en"], {MLP: scores})
    save_shard(tree, path)
    assert bits(load_shard(path)) == bits(tree)


def one_line(error):
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(path):
    with pytest.raises(NeuroglotError, match=f"there is no bank file .*{path.name}") as error:
        load_shard(path)
    one_line(error)


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_file_is_refused(shard, path, kept):
    save_shard(shard, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(NeuroglotError, match=r"truncated or damaged") as error:
        load_shard(path)
    one_line(error)


def test_a_flipped_bit_in_a_chunk_is_refused(shard, path):
    save_shard(shard, path)
    whole = bytearray(path.read_bytes())
    chunk = shard["mlp"]["grad_act.max"].values.tobytes()
    place = whole.find(chunk)
    assert place > 0, "the chunk should lie in the file as it is"
    whole[place + len(chunk) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(NeuroglotError, match=r"truncated or damaged .*grad_act\.max") as error:
        load_shard(path)
    one_line(error)


def test_a_chunk_lost_from_the_directory_is_refused(shard, path):
    """Zarr would read it as a chunk of zeros."""
    save_shard(shard, path)
    whole = path.read_bytes()
    head, name, tail = whole.rpartition(b"grad_act.max/c/0/0/0")
    path.write_bytes(head + name.replace(b"c/0/0/0", b"c/0/0/9") + tail)
    with pytest.raises(NeuroglotError, match=r"truncated or damaged") as error:
        load_shard(path)
    one_line(error)


@pytest.fixture(params=["write", "rename"])
def fill_disk(request, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    target = (zipfile.ZipFile, "writestr") if request.param == "write" else (Path, "replace")
    return lambda: monkeypatch.setattr(*target, full)


def test_a_failed_write_leaves_nothing(shard, path, fill_disk):
    fill_disk()
    with pytest.raises(OSError, match="No space left"):
        save_shard(shard, path)
    assert list(path.parent.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(shard, path, fill_disk):
    save_shard(shard, path)
    before = path.read_bytes()
    fill_disk()
    with pytest.raises(OSError, match="No space left"):
        save_shard(shard.isel(sample=[0]), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_where_nothing_can_be_written_the_reason_is_said(shard, tmp_path):
    with pytest.raises(OSError, match="No such file or directory"):
        save_shard(shard, tmp_path / "missing" / f"0{SUFFIX}")
