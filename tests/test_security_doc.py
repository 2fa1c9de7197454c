"""deploy/SECURITY.md tells the truth: the tests that it names exist, and every way in stands in it."""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest

from tests.fuzz.registry import NAMES
from tryon_service.access.access import Access
from tryon_service.cli.main import build_parser
from tryon_service.gateway.app import create_app
from tryon_service.gateway.services import Engine
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.settings import Settings, rows

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "deploy" / "SECURITY.md").read_text()
SCANS = ROOT / ".ci" / "scans"
CODE = re.findall(r"`([^`\n]+)`", TEXT)
TESTS = sorted({word for word in CODE if "::" in word})


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("named", TESTS)
def test_the_test_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert (ROOT / path).is_file()
    assert name in functions(path)


def test_tests_are_named() -> None:
    assert len(TESTS) > 50
    paths = [word for word in CODE if word.startswith("tests/") and "::" not in word]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def routes(app_folder: Path) -> Iterator[str]:
    access = Access.open(Settings(data=app_folder))
    try:
        app = create_app(Settings(data=app_folder), cast(Engine, Mock()), access)
        for rule in app.url_map.iter_rules():
            path = re.sub(r"<(?:int:)?([a-z_]+)>", r"{\1}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield f"{method} {path}"
    finally:
        access.close()


def test_every_route_is_there_and_no_other(tmp_path: Path) -> None:
    named = {word for word in CODE if re.fullmatch(r"(GET|PUT|POST|DELETE|PATCH) /\S*", word)}
    assert set(routes(tmp_path)) == named


def test_every_call_of_the_engine_is_there() -> None:
    calls = {method.name for method in pb.DESCRIPTOR.services_by_name["TryOn"].methods}
    assert calls - set(CODE) == set()


def commands(parser: argparse.ArgumentParser, name: str = "tryon") -> Iterator[str]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name
    for action in below:
        for word, one in action.choices.items():
            yield from commands(one, f"{name} {word}")


def test_every_command_is_there_once_and_no_other() -> None:
    section = TEXT[TEXT.index("\n## Commands") : TEXT.index("\n## Images")]
    named = re.findall(r"`(tryon [a-z -]+)`", section)
    assert sorted(named) == sorted(commands(build_parser()))


def test_every_fuzzing_target_is_there_and_no_other() -> None:
    named = re.findall(r"fuzzing targets? `([a-z]+)`(?: and `([a-z]+)`)?", TEXT)
    assert {name for pair in named for name in pair if name} == set(NAMES)


def test_settings_that_are_named_are_settings() -> None:
    known = {variable for _, variable, _, _ in rows(Settings(data=Path("/nowhere")))}
    named = {word for word in CODE if re.fullmatch(r"TRYON_[A-Z_]+", word)}
    assert named
    assert named - known == set()


def test_the_widget_has_no_ear_for_other_windows() -> None:
    places = [ROOT / "tryon_service/widget/src", ROOT / "tryon_service/gateway/static"]
    files = [path for place in places for path in place.rglob("*") if path.suffix in (".ts", ".js")]
    assert len(files) > 10
    talking = re.compile(r"postMessage|MessageChannel|BroadcastChannel|onmessage|[\"'`]message[\"'`]\s*,")
    assert [path.name for path in files if talking.search(path.read_text())] == []


needs_scans = pytest.mark.skipif(not SCANS.is_dir(), reason="the scans' rules were not checked: no .ci/scans here")


@needs_scans
def test_the_known_secrets_are_those_of_tests() -> None:
    baseline = json.loads((SCANS / "secrets.baseline").read_text())
    assert baseline["results"]
    assert [name for name in baseline["results"] if not name.startswith("tests/")] == []
    paths = [one["path"] for one in baseline["plugins_used"] if "path" in one]
    assert paths == ["file://.ci/scans/own_keys.py"]


@needs_scans
def test_every_promise_has_an_example() -> None:
    rules = set(re.findall(r"^  - id: ([a-z-]+)$", (SCANS / "promises.yaml").read_text(), re.MULTILINE))
    examples = set(re.findall(r"# ruleid: ([a-z-]+)$", (SCANS / "promises.py").read_text(), re.MULTILINE))
    assert rules
    assert rules == examples
