"""The comparison with vLLM, which transformers plays here: it agrees, and notices another checkpoint."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from neuroglot.neurons import NeuronSet
from tiny import save_tiny

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


class Engine:
    """As much of ``vllm.LLM`` as the comparison uses."""

    def __init__(self, folder, **_options):
        self.network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def generate(self, prompts, params):
        return [self.one(prompt["prompt_token_ids"], **params) for prompt in prompts]

    def one(self, ids, max_tokens, prompt_logprobs=None, **_options):
        found = list(ids)
        with torch.inference_mode():
            for _ in range(max_tokens):
                scores = self.network(torch.tensor([found])).logits[0].log_softmax(-1)
                found.append(int(scores[-1].argmax()))
        held = [
            {token: SimpleNamespace(logprob=scores[n, token].item())} for n, token in enumerate(found[1:])
        ]
        scored = None if prompt_logprobs is None else [None, *held[: len(ids) - 1]]
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=found[len(ids) :])], prompt_logprobs=scored)


@pytest.fixture
def compare(monkeypatch):
    played = ModuleType("vllm")
    played.LLM, played.SamplingParams = Engine, dict
    monkeypatch.setitem(sys.modules, "vllm", played)
    monkeypatch.syspath_prepend(BENCHMARKS)
    script = import_module("vllm_folded")
    monkeypatch.setattr(script, "NEW", 4)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vllm_folded", *map(str, arguments)])
        return script.main()

    return run


def test_agrees_with_the_folded_model_alone(compare, tmp_path, capsys):
    plain, folded, said = save_tiny(tmp_path / "plain"), tmp_path / "folded", tmp_path / "said.json"
    NeuronSet("mlp", np.random.default_rng(0).random((3, 48)) < 0.3, "vi").save(tmp_path / "vi.json")
    assert compare("reference", plain, tmp_path / "vi.json", folded, said, "--kind", "scale(0.5)") == 0
    assert compare("check", folded, said) == 0
    assert "agrees" in capsys.readouterr().out
    assert compare("check", plain, said) == 1
    assert "differs" in capsys.readouterr().out
