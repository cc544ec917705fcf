"""One small registry serves every kind of plug-in.

A plug-in is one function or class in one file, and one decorator:

>>> CONTRASTS: Registry[object] = Registry("contrast")
>>> @CONTRASTS.register("difference")
... def difference(statistic): ...
>>> CONTRASTS["difference"] is difference
True
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

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
