"""Published files and plain lists: what is in them, and what is wrong with them."""

import os
from argparse import Namespace

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.neurons.importers import from_lape, from_list, import_sets, usual_site

SHAPE = (3, 48)


def lape(path, *languages):
    """As LAPE's code writes it: a language is a list over layers of indices."""
    torch.save([[torch.tensor(layer, dtype=torch.int64) for layer in own] for own in languages], path)
    return path


def pairs(neurons):
    return [tuple(pair) for pair in neurons.indices.tolist()]


def test_lape(tmp_path):
    file = lape(tmp_path / "llama.neuron.pth", [[5, 47], [], [0]], [[], [], []])
    sets = from_lape(file, ["en", "zh", "fr"], SHAPE)
    assert list(sets) == ["en", "zh", "fr"], "the last, which is empty, is missing in the file"
    assert pairs(sets["en"]) == [(0, 5), (0, 47), (2, 0)] and not len(sets["zh"]) and not len(sets["fr"])
    assert {one.site for one in sets.values()} == {"mlp_gate"} and sets["en"].language == "en"
    assert sets["en"].provenance == {"imported": "llama.neuron.pth"}
    assert from_lape(file, ["en", "zh"], SHAPE, "mlp")["en"].site == "mlp"


def test_tensors_of_no_indices_are_of_any_type(tmp_path):
    torch.save(
        [[torch.tensor([]), torch.tensor([3], dtype=torch.int32), torch.tensor([])]], tmp_path / "a.pth"
    )
    assert pairs(from_lape(tmp_path / "a.pth", ["en"], SHAPE)["en"]) == [(1, 3)]


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (
            [[torch.tensor([48]), *[torch.tensor([0])] * 2]],
            r"'en': neuron \(0, 48\) does not exist: .* 3 × 48",
        ),
        ([[torch.tensor([-1]), *[torch.tensor([0])] * 2]], r"'en': neuron \(0, -1\) does not exist"),
        ([[torch.tensor([0])] * 2], "'en' has 2 layers, but the model has 3"),
        ([torch.tensor([0])], "'en' has no list of layers, but the model has 3"),
        ([[torch.tensor([0])] * 3] * 3, "3 languages are in it, and 2 were named"),
        ([[torch.tensor([0.5])] * 3], "'en', layer 0: not a tensor of indices"),
        ([[torch.tensor([True])] * 3], "'en', layer 0: not a tensor of indices"),
        ([[torch.tensor([[1]])] * 3], "'en', layer 0: not a tensor of indices"),
        ([[torch.tensor([1]), [2], [3]]], "'en', layer 1: not a tensor of indices"),
        ({"en": 1}, "holds a dict, not a list over languages"),
        (torch.tensor([1]), "holds a Tensor, not a list over languages"),
        (Namespace(a=1), "holds something else than lists of tensors, and is not read"),
    ],
)
def test_a_file_that_is_not_lapes(tmp_path, held, message):
    torch.save(held, tmp_path / "x.pth")
    with pytest.raises(NeuroglotError, match=rf"x\.pth: {message}"):
        from_lape(tmp_path / "x.pth", ["en", "zh"], SHAPE)


class Runs:
    """A pickle that makes a folder when it is read."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_nothing_in_a_file_is_run(tmp_path):
    torch.save([[Runs(tmp_path / "run")]], tmp_path / "x.pth")
    with pytest.raises(NeuroglotError, match="holds something else than lists of tensors"):
        from_lape(tmp_path / "x.pth", ["en"], SHAPE)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no pickle at all", b"\x80\x02"])
def test_a_file_that_is_damaged(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(NeuroglotError, match=r"x\.pth: holds something else than lists of tensors"):
        from_lape(tmp_path / "x.pth", ["en"], SHAPE)


def test_json_and_csv_say_the_same(tmp_path):
    (tmp_path / "a.json").write_text('{"en": [[0, 5], [2, 0]], "zh": [], "vi": [[1, 47]]}', "utf-8")
    (tmp_path / "a.csv").write_text("layer, neuron, language\n0,5,en\n\n1, 47,vi\n2,0,en\n", "utf-8")
    from_json, from_csv = from_list(tmp_path / "a.json", SHAPE), from_list(tmp_path / "a.csv", SHAPE)
    assert {name: pairs(one) for name, one in from_json.items()} == {
        "en": [(0, 5), (2, 0)],
        "zh": [],
        "vi": [(1, 47)],
    }
    assert from_csv == {"en": from_json["en"], "vi": from_json["vi"]}
    assert (
        from_csv["vi"].site == "mlp" and from_list(tmp_path / "a.csv", SHAPE, "resid")["vi"].site == "resid"
    )


def test_a_list_of_no_language(tmp_path):
    (tmp_path / "a.csv").write_text("\N{ZERO WIDTH NO-BREAK SPACE}layer,neuron\r\n0,5\r\n", "utf-8")
    assert pairs(from_list(tmp_path / "a.csv", SHAPE)[""]) == [(0, 5)]
    named = import_sets(tmp_path / "a.csv", SHAPE, ["vi"])
    assert named["vi"].language == "vi" and pairs(named["vi"]) == [(0, 5)]
    for languages in ([], ["en", "vi"]):
        with pytest.raises(NeuroglotError, match=r"a\.csv' names no language: name the one that it is for"):
            import_sets(tmp_path / "a.csv", SHAPE, languages)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "{", "not JSON"),
        ("x.json", "[" * 100_000, "not JSON"),
        ("x.json", "[[0, 1]]", r"expected languages and lists: \{language: \[\[layer, neuron\], …\]\}"),
        ("x.json", '{"en": 3}', r"'en' must have a list of \[layer, neuron\], whole numbers"),
        ("x.json", '{"en": [[0, 1, 2]]}', "'en' must have a list"),
        ("x.json", '{"en": [[0, true]]}', "'en' must have a list"),
        ("x.json", '{"en": [[0, 1.0]]}', "'en' must have a list"),
        ("x.json", '{"en": [[0, 48]]}', r"'en': neuron \(0, 48\) does not exist"),
        ("x.json", '{"../en": [[0, 4]]}', "'../en' is no name for a language"),
        ("x.csv", "", "the first line must be 'layer,neuron' or 'layer,neuron,language'"),
        ("x.csv", "neuron,layer\n0,1\n", "the first line must be"),
        ("x.csv", "layer,neuron\n0,1\n0,x\n", "line 3: '0,x' is not layer,neuron"),
        ("x.csv", "layer,neuron\n0,-1\n", "line 2: '0,-1' is not layer,neuron"),
        ("x.csv", "layer,neuron,language\n0,1\n", "line 2: '0,1' is not layer,neuron,language"),
        ("x.csv", "layer,neuron\n3,0\n", r"neuron \(3, 0\) does not exist: the site has 3 × 48"),
        ("x.csv", b"layer,neuron\n\xff", "not UTF-8 at byte 13"),
    ],
)
def test_a_list_that_is_wrong(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(NeuroglotError, match=f"{name}: {message}"):
        from_list(tmp_path / name, SHAPE)


def test_import_knows_a_layout_by_its_name(tmp_path):
    file = lape(tmp_path / "a.neuron.pth", [[5], [], []], [[], [1], []])
    sets = import_sets(file, SHAPE, ["en", "zh"])
    assert sets == from_lape(file, ["en", "zh"], SHAPE) and usual_site(file) == "mlp_gate"
    with pytest.raises(NeuroglotError, match="does not name its languages: name them in its order"):
        import_sets(file, SHAPE)
    with pytest.raises(NeuroglotError, match=r"'a\.npy' is none of LAPE's \.pth, \.json and \.csv"):
        import_sets("a.npy", SHAPE)
    for name in ("no.pth", "no.csv"):
        with pytest.raises(NeuroglotError, match=f"there is no file '{name}'"):
            import_sets(name, SHAPE, ["en"])


def test_some_of_a_lists_languages(tmp_path):
    (tmp_path / "a.json").write_text('{"en": [[0, 5]], "zh": [[1, 1]]}', "utf-8")
    assert list(import_sets(tmp_path / "a.json", SHAPE)) == ["en", "zh"]
    assert list(import_sets(tmp_path / "a.json", SHAPE, ["zh"])) == ["zh"]
    with pytest.raises(NeuroglotError, match=r"a\.json: unknown language 'zhh'; did you mean 'zh'"):
        import_sets(tmp_path / "a.json", SHAPE, ["zhh"])
