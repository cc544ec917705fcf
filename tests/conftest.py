"""What every room's tests may ask for."""

import pytest

from neuroglot.model.language_model import LanguageModel
from tiny import tiny_model


@pytest.fixture(scope="session")
def gemma() -> LanguageModel:
    """A tiny random Gemma 3, shared: leave it as you found it."""
    return tiny_model("gemma3_text")
