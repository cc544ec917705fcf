"""The script that makes a copy to transfer to."""

import json
import runpy
from pathlib import Path

import torch

from neuroglot.model.language_model import LanguageModel
from tiny_study import WORDS

SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "examples" / "tune_copy.py"))


def test_checkpoints_learn_and_keep_their_embeddings(home, tmp_path, monkeypatch, capsys):
    (tmp_path / "mono" / "a_wikipedia").mkdir(parents=True)
    lines = [json.dumps({"text": " ".join(WORDS["fr"][n:] * 4)}, ensure_ascii=False) for n in range(4)]
    (tmp_path / "mono" / "a_wikipedia" / "fr.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.setenv("NEUROGLOT_DATA", str(tmp_path))
    SCRIPT["tune"](["fr"], tmp_path / "tuned", str(home / "model"), steps=3, every=2)
    said = [float(line.split()[2]) for line in capsys.readouterr().out.splitlines()]
    assert len(said) == 3 and said[2] < said[0]
    before = LanguageModel.load(home / "model").network.state_dict()
    after = LanguageModel.load(tmp_path / "tuned" / "checkpoint-3").network.state_dict()
    assert (tmp_path / "tuned" / "checkpoint-2" / "model.safetensors").is_file()
    changed = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert any("down_proj" in name for name in changed)
    assert not any("embed" in name or "lm_head" in name for name in changed)
    assert all(weight.dtype == torch.float32 for weight in after.values())
