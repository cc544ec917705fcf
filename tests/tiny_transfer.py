"""A copy of the tiny model that has learnt French for a few steps, and what its sets cost it."""

from functools import cache
from pathlib import Path

import torch

from neuroglot.model.language_model import LanguageModel
from neuroglot.study.config import load_study
from tiny import save_tiny
from tiny_study import tiny_folder

STEPS = 30


def save_tuned(source: Path, folder: Path, texts: list[str], steps: int = STEPS) -> Path:
    """A copy of the model in ``source`` after so many steps on texts, by plain torch."""
    model = LanguageModel.load(source, precision="float32")
    network = model.network.requires_grad_(True)
    rows = [torch.tensor([[2, *model.tokenizer(text)["input_ids"]]]) for text in texts]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05)
    for step in range(steps):
        ids = rows[step % len(rows)]
        loss = torch.nn.functional.cross_entropy(network(input_ids=ids).logits[0, :-1], ids[0, 1:])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    network.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    return folder


@cache
def tuned_folder(session: Path) -> Path:
    """The tiny study's model, tuned on the French text that its sets were found on."""
    home = tiny_folder(session)
    text = load_study(home / "study.yaml").text.parts(seed=0)["identify"]
    french = [sentence for document in text.documents["fr"] for sentence in document.sentences]
    return save_tuned(home / "model", session / "tuned", french)


def save_other(folder: Path, letters: str = "", **shape: object) -> Path:
    """A tiny model that differs in its shape, or whose tokenizer has two letters the other way round."""
    save_tiny(folder, **shape)
    if letters:
        one, two = letters
        file = folder / "tokenizer.json"
        text = file.read_text("utf-8")
        swapped = text.replace(f'"{one}":', '"\\u0000":').replace(f'"{two}":', f'"{one}":')
        file.write_text(swapped.replace('"\\u0000":', f'"{two}":'), "utf-8")
    return folder
