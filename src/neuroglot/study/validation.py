"""Reading YAML so that a mistake is one line: what is wrong, where it stands, what was probably meant."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.intervention.kinds import kind_named

Model = TypeVar("Model", bound=BaseModel)


def known_name(kind: str, known: Collection[str]) -> Callable[[str], str]:
    """A pydantic validator that refuses names outside ``known``."""

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(str(unknown(kind, name, known)))
        return name

    return check


def known_kind(name: str) -> str:
    """A pydantic validator that refuses what is no kind of intervention."""
    try:
        kind_named(name)
    except NeuroglotError as error:
        raise ValueError(str(error)) from error
    return name


@contextmanager
def located(where: str) -> Iterator[None]:
    """Says where in a file the mistake stands that shows only inside this context."""
    try:
        yield
    except NeuroglotError as error:
        raise NeuroglotError(str(error), where) from error


def yaml_document(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        NeuroglotError: No such file, not UTF-8, not YAML, or not a mapping.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NeuroglotError(f"there is no file {str(path)!r}") from error
    except UnicodeDecodeError as error:
        raise NeuroglotError(f"not UTF-8 at byte {error.start}", str(path)) from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f"{path}:{place.line + 1}" if place else str(path)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise NeuroglotError(f"not YAML: {problem}", where) from error
    if not isinstance(document, dict):
        raise NeuroglotError("expected keys and values", str(path))
    return document


def validated(model: type[Model], document: dict[str, Any], where: str) -> Model:
    """The document as a pydantic model, or one line about the first thing that is wrong with it."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        # A key that is not known explains the one that is missing, so it goes first.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        place = _place(where, first["loc"])
        if first["type"] == "extra_forbidden":
            known = _keys_at(model, first["loc"][:-1])
            raise unknown("key", first["loc"][-1], known, place) from error
        ours = first["msg"].removeprefix("Value error, ")
        message = ours if ours != first["msg"] else ours[0].lower() + ours[1:]
        raise NeuroglotError(message, place) from error


def _place(where: str, location: tuple[int | str, ...]) -> str:
    parts = ""
    for part in location:
        parts += f"[{part}]" if isinstance(part, int) else f".{part}" if parts else str(part)
    return f"{where}: {parts}" if parts else where


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the model knows at a place in the document."""
    inner: list[type[BaseModel]] = []
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None:  # an index into a list, or the tag that says which model of a union is meant
            model = next((one for one in inner if _tagged(one, part)), model)
            continue
        options = [field.annotation, *get_args(field.annotation)]
        inner = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if not inner:
            break
        model = inner[0]
    return list(model.model_fields)


def _tagged(model: type[BaseModel], tag: int | str) -> bool:
    return any(tag in get_args(field.annotation) for field in model.model_fields.values())
