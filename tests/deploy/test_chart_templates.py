"""The chart's templates without helm: they read what is there, are well formed, and fit the service they are for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chart_files import CHART, VALUES, Tree, read, templates
from template_scopes import ACTION, value_paths

from tryon_service.access.access import Access
from tryon_service.cli.main import build_parser
from tryon_service.gateway.app import create_app
from tryon_service.observability.metrics import EngineMetrics
from tryon_service.pb.limits import MAX_CALL
from tryon_service.settings import load

PASSED_ON = ("settings", "podSecurityContext", "resources", "keys", "issuerRef")
"""Maps whose entries no template names: they are gone through, or passed to Kubernetes as they are."""
KEYWORD = re.compile(r"\{\{-?\s*(if|with|range|define|block|end)\b")
MEBIBYTE = 1 << 20


def leaves(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value and key not in PASSED_ON:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def test_every_value_used_exists() -> None:
    values, found = read(VALUES), 0
    for name, text in templates().items():
        for path in value_paths(text):
            there: Any = values
            for key in path:
                assert isinstance(there, dict), f"{name}: .Values.{'.'.join(path)}"
                assert key in there, f"{name}: .Values.{'.'.join(path)}"
                there = there[key]
            found += 1
    assert found > 150


def test_every_value_is_used() -> None:
    """By its name, wherever a template has it from; test_chart_uses.py looks for it in what helm makes."""
    used = "".join(templates().values())
    for path in leaves(read(VALUES)):
        assert re.search(rf'\.{path[-1]}\b|"{path[-1]}"', used), ".".join(path)


def test_delimiters_and_blocks_balance() -> None:
    for name, text in templates().items():
        assert "{{" not in ACTION.sub("", text), name
        assert not [code for code in ACTION.findall(text) if "{{" in code], name
        keywords = KEYWORD.findall(text)
        assert len(keywords) == 2 * keywords.count("end"), name


def test_every_named_template_exists_and_is_used() -> None:
    everything = "".join(templates().values())
    defined = re.findall(r'\bdefine "([^"]+)"', everything)
    assert len(defined) == len(set(defined))
    assert set(re.findall(r'\binclude "([^"]+)"', everything)) == set(defined)
    assert all(name.startswith(f"{CHART.name}.") for name in defined)


def test_the_ingress_shows_every_route_but_those_of_the_cluster(tmp_path: Path) -> None:
    settings = load({"TRYON_DATA": str(tmp_path)})
    access = Access.open(settings)
    try:
        routes = {rule.rule for rule in create_app(settings, NoEngine(), access).url_map.iter_rules()}  # type: ignore[arg-type]
    finally:
        access.close()
    ingress = read(VALUES)["ingress"]
    paths = ingress["paths"]
    hidden = {one for one in routes if not any(one == path or one.startswith(f"{path}/") for path in paths)}
    assert hidden == {"/metrics", "/readyz"}
    assert MAX_CALL <= ingress["bodyMegabytes"] * MEBIBYTE < 1.1 * MAX_CALL


class NoEngine:
    def healthy(self, timeout: float) -> bool:
        return False


def test_the_metric_that_engines_grow_by_is_there() -> None:
    metrics = EngineMetrics()
    metrics.waited("shopper", 0.2)
    names = re.findall(r'^(\w+)\{.*priority="shopper"', metrics.exposition()[0].decode(), re.MULTILINE)
    adapter = read(CHART / "examples" / "prometheus-adapter.yaml")["rules"]["custom"][0]
    assert adapter["name"]["matches"] in names
    assert adapter["name"]["as"] == read(VALUES)["engine"]["autoscaling"]["queueWaitMetric"]
    assert 'tryon_queue_wait_seconds_bucket{priority="shopper"' in templates()["autoscaling.yaml"]


def test_commands_in_the_texts_are_understood() -> None:
    texts = templates()["NOTES.txt"] + (CHART / "README.md").read_text()
    commands = re.findall(r"^.*\btryon (keys|poses|products|settings|zoo) (.+?)(?: [|>].*)?$", texts, re.MULTILINE)
    assert commands
    for command, rest in commands:
        if "`" not in rest:
            build_parser().parse_args(shlex.split(f"{command} {rest}"))
