"""Shards on disk: bit-equal, whole or absent, and never silently damaged."""

import errno
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.moments import summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.sealed import SealedFile
from neuroglot.statistics.shard import SUFFIX, load_shard, open_shard, save_shard

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
    with pytest.raises(NeuroglotError, match=r"truncated or damaged .*wrong checksum at byte 0") as error:
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


def read(path):
    """Everything that can be read of a shard without checking it whole first."""
    return bits(open_shard(path))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("load", [load_shard, read])
def test_every_flipped_bit_is_noticed(shard, path, streamed, load):
    save_shard(summarise(shard) if streamed else shard, path)
    whole = path.read_bytes()
    missed = []
    for bit in range(0, 8 * len(whole), 131):  # a prime, so that every bit of a byte has its turn
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            load(path)
        except NeuroglotError:
            continue
        missed.append(bit)
    assert not missed


def test_every_flipped_bit_of_the_seal_is_noticed(shard, path):
    save_shard(shard, path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        seal = len(file.comment)
    for bit in range(8 * (len(whole) - seal - 2), 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(NeuroglotError, match="truncated or damaged"):
            SealedFile(path).check()


def test_every_cut_is_noticed(shard, path):
    save_shard(shard, path)
    whole = path.read_bytes()
    for kept in range(0, len(whole), 7):
        path.write_bytes(whole[:kept])
        with pytest.raises(NeuroglotError, match="truncated or damaged"):
            open_shard(path)


def test_another_shard_under_this_name_is_noticed(shard, path):
    """Two copies of one shard would count its samples twice."""
    save_shard(shard, path)
    other = path.with_name(f"00001{SUFFIX}")
    other.write_bytes(path.read_bytes())
    with pytest.raises(NeuroglotError, match=r"00001.* is truncated or damaged .*another file's"):
        load_shard(other)


def test_what_others_wrote_is_refused(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("zarr.json", "{}")
    with pytest.raises(NeuroglotError, match="no seal"):
        load_shard(path)


def test_a_large_file_has_many_blocks_and_reads_as_it_was_written(shard_of, path, monkeypatch):
    scores = np.random.default_rng(0).standard_normal((7, 3, 9000), np.float32)
    monkeypatch.setattr("neuroglot.statistics.shard.CHUNK_BYTES", 5 * 9000 * 4)  # chunks end inside blocks
    save_shard(shard_of(["en"] * 7, {MLP: scores}), path)
    whole = path.read_bytes()
    assert len(whole) > 10 * 2**16
    file, dice = SealedFile(path), np.random.default_rng(1)
    assert file.read() == whole
    for _ in range(100):
        start, length = (int(number) for number in dice.integers(0, len(whole) + 10, 2))
        file.seek(start)
        assert file.read(length) == whole[start : start + length]
    np.testing.assert_array_equal(open_shard(path)["mlp"]["grad_act.max"], scores)


def test_only_what_is_read_is_checked_and_read(shard_of, path):
    """A flipped bit in one array is none of another's business, until somebody wants that one."""
    scores = np.random.default_rng(0).standard_normal((2, 3, 40000), np.float32)
    other = Quantity("mlp", "active", "sum")
    save_shard(shard_of(["en", "zh"], {MLP: scores, other: scores + 1}), path)
    whole = bytearray(path.read_bytes())
    whole[whole.find(scores.tobytes()) + scores.nbytes // 2] ^= 4
    path.write_bytes(whole)
    found = open_shard(path)["mlp"]
    np.testing.assert_array_equal(found["active.sum"], scores + 1)
    with pytest.raises(NeuroglotError, match="truncated or damaged"):
        _ = found["grad_act.max"].values
    with pytest.raises(NeuroglotError, match="truncated or damaged"):
        load_shard(path)


def test_an_open_shard_holds_no_file(shard, path):
    save_shard(shard, path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    shards = [open_shard(path) for _ in range(5)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert all(bits(one) == bits(shard) for one in shards)


def test_a_plain_zip_reader_reads_it(shard, path):
    save_shard(shard, path)
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert file.read("mlp/grad_act.max/c/0/0/0") == shard["mlp"]["grad_act.max"].values.tobytes()


@pytest.mark.parametrize("room", [64, 400, 3000, 10**6])
@pytest.mark.parametrize("streamed", [False, True])
def test_chunks_are_hardly_padded(shard, path, monkeypatch, room, streamed):
    monkeypatch.setattr("neuroglot.statistics.shard.CHUNK_BYTES", room)
    tree = summarise(shard) if streamed else shard
    save_shard(tree, path)
    assert bits(load_shard(path)) == bits(tree)
    for array in tree["mlp"].data_vars.values():
        if "neuron" in array.dims:
            chunk = open_shard(path)["mlp"][array.name].encoding["chunks"]
            padded = [-(-length // step) * step for length, step in zip(array.shape, chunk, strict=True)]
            assert np.prod(chunk) * array.dtype.itemsize <= max(room, array.dtype.itemsize)
            assert np.prod(padded) < 1.5 * array.size
            assert chunk[0] == 1 or not streamed


def test_counts_take_little_room(shard, path):
    plain, counted = summarise(shard), summarise(shard, histograms=True)
    save_shard(plain, path)
    without = path.stat().st_size
    save_shard(counted, path)
    assert bits(load_shard(path)) == bits(counted)
    assert path.stat().st_size - without < counted["mlp"]["grad_act.max:histogram"].nbytes / 5


@pytest.mark.parametrize("streamed", [False, True])
def test_a_shard_without_samples_survives(shard, path, streamed):
    none = shard.isel(sample=slice(0))
    tree = summarise(none, histograms=True) if streamed else none
    save_shard(tree, path)
    assert load_shard(path).identical(tree)


@pytest.fixture(params=["write", "rename"])
def fill_disk(request, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    target = (zipfile.ZipFile, "writestr") if request.param == "write" else (Path, "replace")
    return lambda: monkeypatch.setattr(*target, full)


def test_a_failed_write_leaves_nothing(shard, path, fill_disk):
    fill_disk()
    with pytest.raises(OSError, match=f"No space left on device: .*/{path.name}'"):
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
