"""Neuron sets: their algebra by hand, and a file format that damage cannot get past."""

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroglot.errors import NeuroglotError
from neuroglot.neurons import NeuronSet, Overlap

PAIRS = [(0, 1), (0, 4), (2, 0)]


def a_set(neurons=PAIRS, language="vi", **about):
    return NeuronSet.of("mlp", (3, 5), neurons, language, **about)


def test_from_pairs():
    neurons = a_set([(2, 0), (0, 4), (0, 1), (0, 4)])
    expected = np.zeros((3, 5), dtype=bool)
    expected[[0, 0, 2], [1, 4, 0]] = True
    np.testing.assert_array_equal(neurons.mask, expected)
    assert neurons.indices.tolist() == [[0, 1], [0, 4], [2, 0]], "sorted, each once"
    assert (len(neurons), neurons.shape) == (3, (3, 5))
    assert len(a_set([])) == 0
    assert repr(neurons) == "NeuronSet(3 of 15 neurons at 'mlp' for 'vi')"


@pytest.mark.parametrize("pair", [(3, 0), (0, 5), (-1, 0), (0, -1)])
def test_a_pair_outside_the_site(pair):
    with pytest.raises(
        NeuroglotError, match=rf"neuron \({pair[0]}, {pair[1]}\) does not exist: the site has 3 × 5"
    ):
        a_set([(0, 0), pair])


@pytest.mark.parametrize("pairs", [[(0, 1, 2), (0, 1, 2)], [3, 4], [(0.5, 1.0)], [(0, "1")], [(0, 10**30)]])
def test_not_pairs_of_whole_numbers(pairs):
    with pytest.raises(NeuroglotError, match="pairs of whole numbers"):
        a_set(pairs)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (0, 5), (3, 0)])
def test_a_mask_of_the_wrong_shape(shape):
    with pytest.raises(NeuroglotError, match=r"mask \[layer, neuron\]"):
        NeuronSet("mlp", np.zeros(shape, dtype=bool))


def test_frozen():
    given, about = np.zeros((3, 5), dtype=bool), {"seed": 1}
    neurons = NeuronSet("mlp", given, "vi", about)
    given[0, 0], about["seed"] = True, 2
    assert len(neurons) == 0 and neurons.provenance == {"seed": 1}, "the caller's objects are not shared"
    with pytest.raises(ValueError, match="read-only"):
        neurons.mask[0, 0] = True
    with pytest.raises(FrozenInstanceError):
        neurons.site = "mlp_up"


def test_equal_sets_hash_alike():
    same = {a_set(), a_set(PAIRS[::-1], recipe="another provenance")}
    assert len(same) == 1
    others = [a_set(PAIRS[:2]), a_set(language="en"), NeuronSet("mlp_up", a_set().mask, "vi"), "mlp"]
    assert all(a_set() != other for other in others)


def test_overlap():
    other = a_set([(0, 1), (2, 0), (2, 1), (2, 2)], "en")
    assert a_set().overlap(other) == Overlap(shared=2, jaccard=2 / 5, coefficient=2 / 3)
    assert a_set().overlap(a_set()) == Overlap(3, 1.0, 1.0)
    assert a_set().overlap(a_set([])) == Overlap(0, 0.0, 0.0)
    assert a_set([]).overlap(a_set([])) == Overlap(0, 0.0, 0.0)


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_overlap_is_that_of_the_masks(layers, width, seed):
    """Of widths that fill no whole bytes too."""
    masks = np.random.default_rng(seed).random((2, layers, width)) < 0.3
    one, other = (NeuronSet("mlp", mask) for mask in masks)
    shared, either = (masks[0] & masks[1]).sum(), (masks[0] | masks[1]).sum()
    found = one.overlap(other)
    assert found.shared == shared
    assert found.jaccard == (shared / either if either else 0.0)
    assert len(one) == masks[0].sum()


def test_union():
    model = {"type": "llama"}
    both = a_set(model=model, seed=1).union(a_set([(0, 1), (1, 1)], "en", model=model, seed=2))
    assert both == a_set([*PAIRS, (1, 1)], language="")
    assert both.provenance == {
        "union": [{"model": model, "seed": 1}, {"model": model, "seed": 2}],
        "model": model,
    }
    assert "model" not in a_set(model=model).union(a_set(model={"type": "gpt2"})).provenance
    assert a_set().union(a_set()).provenance == {"union": [{}, {}]}


@pytest.mark.parametrize("other", [NeuronSet.of("mlp_up", (3, 5), []), NeuronSet.of("mlp", (3, 6), [])])
def test_sets_of_different_sites_do_not_mix(other):
    for mix in (a_set().overlap, a_set().union):
        with pytest.raises(NeuroglotError, match="cannot be compared"):
            mix(other)


def test_restrict():
    upper = a_set(seed=1).restrict([2, 1, 2])
    assert upper == a_set([(2, 0)])
    assert upper.provenance == {"seed": 1, "restricted_to_layers": [1, 2]}
    assert len(a_set().restrict([])) == 0
    for layer in (3, -1):
        with pytest.raises(
            NeuroglotError, match=rf"layers \[{layer}\] do not exist: the set has layers 0 to 2"
        ):
            a_set().restrict([0, layer])


def test_describe():
    assert a_set().describe() == {
        "site": "mlp",
        "language": "vi",
        "neurons": 3,
        "share": 0.2,
        "by_layer": [2, 0, 1],
    }


def test_shows_itself_in_a_notebook_and_escapes_what_it_is_given():
    html = a_set(language="<script>alert('x')</script>")._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "layer 0: 2" in html and "layer 2: 1" in html
    # The fullest layer is 40 pixels high, the others to scale.
    assert [part.split("px")[0] for part in html.split("height:")[2:]] == ["40", "0", "20"]


def test_save_and_load(tmp_path):
    # Keys of a provenance may be called like anything, our own arguments too.
    about = {"model": {"name": "tí/hon", "layers": 3}, "language": "日本語", "site": None, "seeds": [1, 2.5]}
    neurons = NeuronSet("mlp", a_set().mask, "tiếng Việt \"'<&", about)
    path = tmp_path / "new" / "vi.json"
    neurons.save(path)
    loaded = NeuronSet.load(str(path))
    assert loaded == neurons and loaded.provenance == about
    assert json.loads(path.read_text("utf-8"))["neurons"] == {"0": [1, 4], "2": [0]}
    assert "tiếng Việt" in path.read_text("utf-8"), "readable as it stands"
    a_set([]).save(path)
    assert NeuronSet.load(path) == a_set([]), "saved over the old one"
    assert [file.name for file in path.parent.iterdir()] == ["vi.json"], "no working file is left"


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "vi.json"
    a_set().save(path)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(NeuroglotError, match="No space left"):
        a_set([]).save(path)
    assert NeuronSet.load(path) == a_set()
    assert [file.name for file in tmp_path.iterdir()] == ["vi.json"]


def refused(path):
    """The error of loading ``path``: one line that names the file."""
    with pytest.raises(NeuroglotError) as caught:
        NeuronSet.load(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_cut_off_anywhere(tmp_path):
    path = tmp_path / "vi.json"
    NeuronSet("mlp", a_set().mask, "việt", {"model": {"name": "mô hình"}}).save(path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert "truncated or not JSON" in refused(path)


def test_no_file(tmp_path):
    assert "there is no neuron set" in refused(tmp_path / "none.json")
    assert "cannot be read: Is a directory" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{'site': 1}", b"[" * 100_000, b"1" * 10_000])
def test_not_json(tmp_path, content):
    path = tmp_path / "vi.json"
    path.write_bytes(content)
    assert "truncated or not JSON" in refused(path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"format": "neuroglot/bank"}, "is not a neuron set"),
        ({"version": 2}, "format version 2; this one reads 1"),
        ({"version": None}, "format version None"),
        ({"site": None}, "site missing or misshapen"),
        ({"language": ["vi"]}, "language missing or misshapen"),
        ({"provenance": "mine"}, "provenance missing or misshapen"),
        ({"neurons": [[0, 1]]}, "neurons missing or misshapen"),
        ({"neurons": None, "site": None}, "site, neurons missing or misshapen"),
        ({"shape": [3]}, "is damaged"),
        ({"shape": [3, 5, 1]}, "is damaged"),
        ({"shape": [3.0, 5.0]}, "is damaged"),
        ({"shape": ["3", "5"]}, "is damaged"),
        ({"shape": [0, 5], "neurons": {}}, "not of shape (0, 5)"),
        ({"shape": [-3, 5], "neurons": {}}, "is damaged"),
        ({"shape": [10**9, 10**9]}, "is damaged"),
        ({"neurons": {"0": 1}}, "is damaged"),
        ({"neurons": {"zero": [1]}}, "is damaged"),
        ({"neurons": {"0": [5]}}, "neuron (0, 5) does not exist"),
        ({"neurons": {"-1": [0]}}, "neuron (-1, 0) does not exist"),
        ({"neurons": {"0": [-1]}}, "neuron (0, -1) does not exist"),
        ({"neurons": {"0": [1.5]}}, "pairs of whole numbers"),
        ({"neurons": {"0": "12"}}, "pairs of whole numbers"),
        ({"neurons": {"0": [None]}}, "pairs of whole numbers"),
        ({"neurons": {"0": [10**30]}}, "pairs of whole numbers"),
        ({"neurons": {"0": [[1], [2]]}}, "is damaged"),
    ],
)
def test_a_damaged_file(tmp_path, damage, reason):
    path = tmp_path / "vi.json"
    a_set().save(path)
    document = json.loads(path.read_text("utf-8")) | damage
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}), "utf-8")
    assert reason in refused(path)


@pytest.mark.parametrize("content", ["[]", "null", "3", '"neuroglot/neurons"', "{}"])
def test_other_json(tmp_path, content):
    path = tmp_path / "vi.json"
    path.write_text(content, "utf-8")
    assert "is not a neuron set: it does not say format 'neuroglot/neurons'" in refused(path)
