"""Whether a model is one that a run's sets can be applied to: the same neurons, the same words."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.text.samples import encode


def check_neurons(found_on: Mapping[str, Any], model: LanguageModel, sites: Iterable[str]) -> None:
    """Refuses a model in which the sets' coordinates would name other neurons.

    Args:
        found_on: Signature of the model that the sets were found on.
        model: The model that they are to be applied to.
        sites: Where the sets live.

    Raises:
        NeuroglotError: Naming everything that differs.
    """
    pairs = [
        ("architecture", found_on["type"], model.model_type),
        ("layers", found_on["layers"], model.layers),
        *(
            (f"neurons a layer at {site!r}", found_on["width"].get(site), model.site(site).width)
            for site in sorted(set(sites))
            if site in model.sites
        ),
        *((f"site {site!r}", "there", "none") for site in sorted(set(sites) - set(model.sites))),
    ]
    differ = [f"{what} {one} against {two}" for what, one, two in pairs if one != two]
    if differ:
        raise NeuroglotError(
            f"sets found on {Path(found_on['name']).name} do not fit {Path(model.name).name}: "
            f"{'; '.join(differ)}"
        )


def check_words(found_on: Any, other: Any, texts: Sequence[str]) -> None:
    """Refuses a tokenizer that would read the text as other tokens.

    The second may know more tokens, as chat models do; what the first knows must have the same ids. A text
    begins with the first one's token: a chat model may end texts with another, and no set depends on it.

    Args:
        found_on: The tokenizer of the model that the sets were found on.
        other: That of the model that they are to be applied to.
        texts: What both will read.

    Raises:
        NeuroglotError: Naming the first token, or the text, that they do not share.
    """
    known = other.get_vocab()
    for token, number in sorted(found_on.get_vocab().items(), key=itemgetter(1)):
        if known.get(token) != number:
            there = f"is {known[token]} there" if token in known else "is not there"
            raise NeuroglotError(
                f"the tokenizers differ: token {token!r} is {number} where the sets were found, and {there}"
            )
    pairs = zip(texts, encode(found_on, texts), encode(other, texts), strict=True)
    for text, one, two in pairs:
        if one != two:
            raise NeuroglotError(
                f"the tokenizers differ: {text[:40]!r} is {len(one)} tokens where the sets were found, and "
                f"{len(two)} others there"
            )


def check_room(longest: int, model: LanguageModel) -> None:
    """Refuses a model that has no positions for the longest sample that the first one read.

    Args:
        longest: Its tokens, BOS apart.
        model: The model that is to read it.

    Raises:
        NeuroglotError: Naming both numbers.
    """
    if model.max_tokens is not None and longest + 1 > model.max_tokens:
        raise NeuroglotError(
            f"{Path(model.name).name} has {model.max_tokens} positions, and the longest sample of the report "
            f"text needs {longest + 1}"
        )
