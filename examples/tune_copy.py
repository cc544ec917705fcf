"""Tunes a copy of a model on the text of some languages, so that there is something to transfer sets to.

    python examples/tune_copy.py vi runs/tuned-vi --steps 50
    neuroglot transfer runs/ntrex runs/tuned-vi/checkpoint-25 runs/tuned-vi/checkpoint-50
    python examples/tune_copy.py en,zh,vi runs/tuned-three    # what examples/crane.yaml calls its chat model

The text is Wikipedia passages from $NEUROGLOT_DATA/mono (never the news that NTREX studies report on). The
embeddings are frozen and passages are cut to 64 tokens: 50 steps on two cores take a few minutes. It is a
self-made copy, no chat model.
"""

import argparse
import json
import os
import random
import sys
from pathlib import Path

import torch

from neuroglot import LanguageModel
from neuroglot.text.samples import encode, first_token

TOKENS, ROWS, RATE, SEED = 64, 4, 5e-5, 0


def passages(language: str) -> list[str]:
    """Those of the first source that has the language."""
    mono = Path(os.environ.get("NEUROGLOT_DATA", "data")) / "mono"
    files = sorted(mono.glob(f"*wikipedia/{language}.jsonl"))
    if not files:
        sys.exit(f"there is no *wikipedia/{language}.jsonl in {mono}; NEUROGLOT_DATA says where the text is")
    lines = files[0].read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def tune(languages: list[str], folder: Path, name: str, steps: int, every: int) -> None:
    """Tunes and saves ``folder/checkpoint-<step>`` every so many steps, and after the last."""
    model = LanguageModel.load(name, precision="auto")
    network, tokenizer = model.network, model.tokenizer
    frozen = network.get_input_embeddings().weight
    network.requires_grad_(True)
    frozen.requires_grad_(False)
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=RATE, weight_decay=0.0)
    texts = [text for language in languages for text in passages(language)]
    random.Random(SEED).shuffle(texts)
    rows = [[first_token(tokenizer), *ids[: TOKENS - 1]] for ids in encode(tokenizer, texts)]
    rows = [row for row in rows if len(row) == TOKENS]
    for step in range(1, steps + 1):
        chosen = [rows[(step * ROWS + row) % len(rows)] for row in range(ROWS)]
        ids = torch.tensor(chosen, device=model.device)
        with model.products():
            hidden = model.body(ids)[:, :-1].flatten(0, 1)
            # The head in blocks: its gradient in closed form, and no [tokens × vocabulary] tensor.
            value, slope = model.head.log_prob(hidden.detach(), ids[:, 1:].flatten(), gradient=True)
            hidden.backward(-slope / len(slope))
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        print(f"step {step}: {-value.mean():.3f} nats a token", flush=True)
        if step % every == 0 or step == steps:
            save(network, tokenizer, folder / f"checkpoint-{step}")


def save(network: torch.nn.Module, tokenizer: object, folder: Path) -> None:
    """Float32 safetensors; a model that came from GGUF must not say any more that it is quantised."""
    network.hf_quantizer = None
    if hasattr(network.config, "quantization_config"):
        del network.config.quantization_config
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("languages", help="with commas between them")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="gemma3-270m")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--every", type=int, default=25)
    given = parser.parse_args()
    tune(given.languages.split(","), given.folder, given.model, given.steps, given.every)
