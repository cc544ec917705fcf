"""A tiny model with room for prompts, short parallel text, and logits without our own head."""

from collections.abc import Callable

import pytest
import torch

from neuroglot.model.language_model import LanguageModel
from neuroglot.text.corpus import Corpus, Document
from tiny import tiny_model

SENTENCES = {
    "en": "rain on the roof|bread and salt|a lamp in the hall|cold river stones|we went home|winter came",
    "fr": "pluie sur le toit|du pain et du sel|une lampe au salon|pierres froides|on rentra|un hiver tardif",
    "zh": "屋顶上的雨声|面包和盐|大厅里的一盏灯|冰冷的河石|我们回家了|冬天来得晚",
}


@pytest.fixture(scope="session")
def roomy() -> LanguageModel:
    """Shared: leave it as you found it."""
    return tiny_model("gemma3_text", max_position_embeddings=1024)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Three languages, six documents of one sentence each."""
    documents = {
        language: [Document(f"d{number}", (text,)) for number, text in enumerate(texts.split("|"))]
        for language, texts in SENTENCES.items()
    }
    return Corpus("short", documents, parallel=True)


@pytest.fixture(scope="session")
def logits_of() -> Callable[[LanguageModel, torch.Tensor], torch.Tensor]:
    """(model, hidden) → logits by the network's own output layer and what its family adds to it."""

    def compute(model: LanguageModel, hidden: torch.Tensor) -> torch.Tensor:
        config = model.network.config
        logits = model.network.get_output_embeddings()(hidden)
        logits = logits * (getattr(config, "logit_scale", None) or 1)
        logits = logits / (getattr(config, "logits_scaling", None) or 1)
        cap = getattr(config, "final_logit_softcapping", None)
        return torch.tanh(logits / cap) * cap if cap else logits

    return compute
