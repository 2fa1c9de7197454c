"""Which values a Helm template reads: enough of Go's template language to know what the dot stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
ROOTED = re.compile(r"(?<![\w.\])])(?:\$|\$?\.root|)\.Values((?:\.\w+)+)")
RELATIVE = re.compile(r"(?<![\w.$\])])((?:\.[a-z]\w*)+)")
BLOCK = re.compile(r"(if|with|range|define|block)\b\s*(.*)", re.DOTALL)

Path = tuple[str, ...]


def value_paths(template: str) -> Iterator[Path]:
    """Paths below .Values: whole ones, and those below a `with` that stands on such a path.

    What comes through variables, lists and arguments of named templates is not followed.
    """
    scopes: list[Path | None] = []
    for action in ACTION.findall(template):
        code = TEXT.sub('""', action)
        if code.startswith("/*"):
            continue
        scope = scopes[-1] if scopes else None
        yield from (_path(match) for match in ROOTED.findall(code))
        if scope is not None:
            for match in RELATIVE.findall(code):
                yield (*scope, *_path(match))
        if block := BLOCK.match(code):
            scopes.append(_inside(block[1], block[2], scope))
        elif code == "end":
            scopes.pop()


def _inside(keyword: str, subject: str, scope: Path | None) -> Path | None:
    """What the dot stands for inside the block, where that is a map of values."""
    if keyword == "if":
        return scope
    if keyword == "with" and (match := ROOTED.fullmatch(subject)):
        return _path(match[1])
    return None


def _path(dotted: str) -> Path:
    return tuple(dotted.strip(".").split("."))
