import json
import socket
import time
from types import SimpleNamespace

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model import loading
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.loading import BUNDLED, Bundled
from tiny import save_tiny, tiny_network


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROGLOT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A bundled model of two parts whose conversion writes a tiny model."""
    parts = [tmp_path / "part0", tmp_path / "part1"]
    parts[0].write_bytes(b"first ")
    parts[1].write_bytes(b"second")
    whole = tmp_path / "joined"
    whole.write_bytes(b"first second")
    monkeypatch.setitem(BUNDLED, "tiny", Bundled("tiny_package", "demo", loading._sha256(whole), "a toy"))
    monkeypatch.setattr(loading, "import_module", lambda name: SimpleNamespace(chunk_paths=lambda: parts))
    monkeypatch.setattr(loading, "_dequantise", save_tiny)
    return parts


def refusal(name, **options) -> str:
    with pytest.raises(NeuroglotError) as refused:
        LanguageModel.load(name, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_folder_without_a_model(tmp_path):
    assert "config.json is missing" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["gemma3-270", "gemma3_270m", "gema3-270m"])
def test_a_bundled_name_spelt_wrong(name):
    assert refusal(name) == f"unknown model {name!r}; did you mean 'gemma3-270m'?"


@pytest.mark.parametrize("name", ["./nothing", "a/b/c", "~/nothing/here", "with space"])
def test_a_folder_that_does_not_exist(name):
    assert "there is no folder" in refusal(name)


def test_a_gguf_file_that_does_not_exist(tmp_path):
    assert "there is no GGUF file" in refusal(tmp_path / "nothing.gguf")


@pytest.mark.parametrize(("name", "near"), [("float31", "'float32'"), ("int8", ""), ("nn", "")])
def test_an_unknown_dtype(tmp_path, name, near):
    message = refusal(tmp_path, dtype=name)
    assert f"unknown dtype {name!r}" in message
    assert near in message


def test_a_dtype_is_the_weights(tmp_path):
    model = LanguageModel.load(save_tiny(tmp_path), dtype="bfloat16")
    assert model.network.dtype == torch.bfloat16
    assert model.signature["dtype"] == "bfloat16"


def test_pickled_weights_are_never_read(tmp_path, monkeypatch):
    save_tiny(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(tiny_network("gemma3_text").state_dict(), tmp_path / "pytorch_model.bin")
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: pytest.fail("a pickle was read"))
    assert "pickled weights are never read" in refusal(tmp_path)


def test_broken_files_are_one_line(tmp_path):
    folder = save_tiny(tmp_path / "weights")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    assert "cannot be read" in refusal(folder)
    folder = save_tiny(tmp_path / "config")
    (folder / "config.json").write_text("{")
    assert "cannot be read" in refusal(folder)


def test_a_folder_without_a_tokenizer(tmp_path):
    for file in save_tiny(tmp_path).glob("tokenizer*"):
        file.unlink()
    assert "no tokenizer files" in refusal(tmp_path)


def test_a_family_that_is_not_known(tmp_path):
    config = save_tiny(tmp_path) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": "nonsense"}))
    assert "`nonsense`" in refusal(tmp_path)


def test_without_a_network_a_hub_id_is_refused_at_once(monkeypatch):
    def no_network(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    start = time.perf_counter()
    message = refusal("nobody/nothing-at-all")
    assert "the hub did not give it (no network" in message
    assert time.perf_counter() - start < 10  # transformers alone tries for 24 seconds


def test_a_bundle_is_converted_once(bundle, cache):
    first = LanguageModel.load("tiny")
    assert first.revision == BUNDLED["tiny"].sha256
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [f"tiny-{first.revision[:12]}"]
    for part in bundle:
        part.unlink()  # what is converted needs the package no more
    assert LanguageModel.load("tiny").fingerprint == first.fingerprint


def test_a_bundle_with_another_checksum_is_refused(bundle, cache):
    bundle[1].write_bytes(b"changed")
    assert "reinstall tiny_package" in refusal("tiny")
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_a_bundle_that_is_not_installed(bundle, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(loading, "import_module", missing)
    assert refusal("tiny") == "model 'tiny' comes with the extra 'demo': pip install 'neuroglot[demo]'"


def test_a_killed_conversion_is_never_taken_for_a_finished_one(bundle, cache):
    final = f"tiny-{BUNDLED['tiny'].sha256[:12]}"
    leftover = save_tiny(cache / f".converting-{final}")  # killed after the last file, before the rename
    (leftover / "config.json").write_text("half")
    model = LanguageModel.load("tiny")
    assert model.layers == 3
    assert not leftover.exists()
    assert (cache / final).is_dir()


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_conversion_leaves_nothing(bundle, cache, monkeypatch, failure):
    def interrupted(folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise failure

    monkeypatch.setattr(loading, "_dequantise", interrupted)
    with pytest.raises((KeyboardInterrupt, NeuroglotError)) as stopped:
        LanguageModel.load("tiny")
    assert isinstance(failure, KeyboardInterrupt) or "No space left" in str(stopped.value)
    assert not [path for path in cache.iterdir() if path.is_dir()]
    monkeypatch.setattr(loading, "_dequantise", save_tiny)
    assert LanguageModel.load("tiny").layers == 3


def test_a_file_that_is_no_gguf(tmp_path):
    (tmp_path / "text.gguf").write_text("not a gguf file at all, but a text")
    assert "the GGUF weights of 'text' cannot be converted" in refusal(tmp_path / "text.gguf")
