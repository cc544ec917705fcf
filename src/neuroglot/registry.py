"""One small registry serves every kind of plug-in.

A plug-in is one function or class in one file, and one decorator:

>>> CONTRASTS: Registry[object] = Registry("contrast")
>>> @CONTRASTS.register("difference")
... def difference(statistic): ...
>>> CONTRASTS["difference"] is difference
True
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

from neuroglot.errors import NeuroglotError, unknown

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Name → plug-in. Duplicates are refused; an unknown name says which one was meant."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that enters a plug-in under ``name``."""

        def enter(entry: T) -> T:
            if name in self._entries:
                raise NeuroglotError(f"{self.kind} {name!r} is already registered")
            self._entries[name] = entry
            return entry

        return enter

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


KINDS: dict[type, tuple[type | tuple[type, ...], str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    str: (str, "a word"),
}
"""Kind of an option's default → the kinds that it may have, in Python and in words."""


def check_options(plugin: Any, options: Mapping[str, Any], where: str) -> None:
    """Refuses options that a plug-in does not have, or of another kind than their defaults.

    Args:
        plugin: A dataclass, or one of its instances; fields that are not shown are no options.
        options: What it is going to be given.
        where: What the plug-in is called.

    Raises:
        NeuroglotError: One that it does not have (with the nearest one), or a value of the wrong kind.
    """
    known = {option.name: option.default for option in fields(plugin) if option.repr}
    for option, value in options.items():
        if not known:
            raise NeuroglotError(f"{where} has no options, and is given {option!r}")
        if option not in known:
            raise unknown("option", option, known, where)
        kind, words = KINDS[type(known[option])]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise NeuroglotError(f"{where}: {option} must be {words}, not {value!r}")
