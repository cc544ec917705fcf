"""Sets to and from the hub, whose functions are played by a folder."""

import huggingface_hub
import pytest
from huggingface_hub.errors import HTTPError

from neuroglot.errors import NeuroglotError
from neuroglot.neurons import NeuronSet

SET = NeuronSet.of("mlp", (3, 5), [(0, 1), (2, 0)], "vi", recipe="by hand")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The folder that plays the hub; what it was asked is in ``asked``."""
    asked = []

    def create_repo(repo_id, **options):
        asked.append(("create", repo_id, options))
        (tmp_path / repo_id).mkdir(parents=True, exist_ok=options["exist_ok"])

    def upload_file(*, path_or_fileobj, path_in_repo, repo_id):
        asked.append(("upload", repo_id, {}))
        (tmp_path / repo_id / path_in_repo).write_bytes(path_or_fileobj)
        return f"https://hub/{repo_id}/commit/1"

    def hf_hub_download(repo_id, filename, *, revision):
        asked.append(("download", repo_id, {"revision": revision}))
        return str(tmp_path / repo_id / filename)

    for function in (create_repo, upload_file, hf_hub_download):
        monkeypatch.setattr(huggingface_hub, function.__name__, function)
    return tmp_path, asked


def test_there_and_back(hub):
    folder, asked = hub
    assert SET.push_to_hub("me/sets", "vi.json", private=True) == "https://hub/me/sets/commit/1"
    found = NeuronSet.from_hub("me/sets", "vi.json", revision="main")
    assert found == SET and found.provenance == SET.provenance
    assert asked == [
        ("create", "me/sets", {"private": True, "exist_ok": True}),
        ("upload", "me/sets", {}),
        ("download", "me/sets", {"revision": "main"}),
    ]
    SET.save(folder / "alone.json")
    assert (folder / "me/sets/vi.json").read_bytes() == (folder / "alone.json").read_bytes()


def test_a_folder_is_a_repository_too(tmp_path):
    SET.save(tmp_path / "neurons.json")
    assert NeuronSet.from_hub(str(tmp_path)) == SET
    with pytest.raises(NeuroglotError, match="there is no neuron set"):
        NeuronSet.from_hub(str(tmp_path), "other.json")


def test_what_the_hub_gives_is_checked(hub):
    folder, _ = hub
    (folder / "me").mkdir()
    (folder / "me" / "neurons.json").write_text("{}")
    with pytest.raises(NeuroglotError, match="is not a neuron set"):
        NeuronSet.from_hub("me")


@pytest.mark.parametrize(
    "error",
    [OSError("no route\nto host"), ValueError("no route"), HTTPError("no route")],
)
def test_no_network(monkeypatch, error):
    def fails(*_arguments, **_options):
        raise error

    for name in ("create_repo", "hf_hub_download"):
        monkeypatch.setattr(huggingface_hub, name, fails)
    with pytest.raises(
        NeuroglotError, match=r"^the hub did not take 'neurons\.json' into 'me/sets': no route$"
    ):
        SET.push_to_hub("me/sets")
    message = r"^there is no folder 'me/sets', and the hub did not give 'neurons\.json' of it: no route$"
    with pytest.raises(NeuroglotError, match=message):
        NeuronSet.from_hub("me/sets")


def test_a_name_that_no_repository_can_have():
    with pytest.raises(NeuroglotError, match="there is no folder 'a/b/c', and the hub did not give"):
        NeuronSet.from_hub("a/b/c")
