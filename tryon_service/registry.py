"""A name -> factory table with clear errors; renderers and perception backends register in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tryon_service.errors import InputError

T = TypeVar("T")


class Registry(Generic[T]):
    """Factories by name. kind: what is registered, and the option's name in messages ("renderer")."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._factories: dict[str, Callable[[], T]] = {}

    def register(self, name: str) -> Callable[[Callable[[], T]], Callable[[], T]]:
        """Decorator for a factory. Raises ValueError if the name is taken."""

        def add(factory: Callable[[], T]) -> Callable[[], T]:
            if name in self._factories:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._factories[name] = factory
            return factory

        return add

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._factories))

    def create(self, name: str) -> T:
        """Raises InputError("invalid_option") naming the known names."""
        if name not in self._factories:
            raise InputError("invalid_option", f"{name[:40]!r} is not one of {', '.join(self.names())}.", self.kind)
        return self._factories[name]()
