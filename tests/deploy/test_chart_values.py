"""The Helm chart without helm: values, their schema, the service's settings and the templates fit each other."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from chart_files import (
    CHART,
    DEPLOY,
    GPU,
    PRODUCTION,
    TEMPLATES,
    VALUES,
    Tree,
    merged,
    paths_in,
    read,
    schemas_in,
    templates,
)

from tryon_service import __version__
from tryon_service.cli.engine import ENDING
from tryon_service.engine.supervisor import START
from tryon_service.preflight import check_memory
from tryon_service.settings import OTHER_VARIABLES, Settings, load, variable_of, variables

BY_CHART = {
    *("data", "runtime", "host", "port"),
    *("engine", "engine_cert", "engine_key", "engine_ca", "engine_metrics_host", "engine_metrics_port"),
}
"""Settings that the chart itself makes: paths, addresses and ports."""
OF_CALLERS = {"url", "api_key"}
"""Settings of commands that call a service; no pod does."""
MEBIBYTE = 1 << 20
UNITS = {"Mi": MEBIBYTE, "Gi": 1 << 30}


@pytest.fixture(scope="module")
def values() -> Tree:
    return read(VALUES)


@pytest.fixture(scope="module")
def schema() -> Tree:
    content: Tree = json.loads((CHART / "values.schema.json").read_text())
    return content


@pytest.fixture(scope="module")
def check(schema: Tree) -> Any:
    return jsonschema_rs.validator_for(schema)


def settings_of(values: Tree) -> dict[str, Any]:
    """Those that values say, by their names; none twice."""
    parts = [values["settings"], values["gateway"]["settings"], values["engine"]["settings"]]
    names = [name for part in (*parts, values["secret"]["keys"]) for name in part]
    assert len(names) == len(set(names))
    return {name: value for part in parts for name, value in part.items()}


def test_the_chart_is_of_this_release() -> None:
    chart = read(CHART / "Chart.yaml")
    assert chart["name"] == CHART.name
    assert chart["appVersion"] == __version__
    assert chart["apiVersion"] == "v2"
    assert (CHART / "README.md").is_file()


@pytest.mark.parametrize("part", ["gateway", "engine", "engine-cuda"])
def test_pods_run_as_the_user_of_the_images(values: Tree, part: str) -> None:
    user = re.search(r"^USER (\d+):(\d+)$", (DEPLOY / f"Dockerfile.{part}").read_text(), re.MULTILINE)
    context = values["podSecurityContext"]
    assert user
    assert [context["runAsUser"], context["runAsGroup"]] == [int(one) for one in user.groups()]


def test_every_setting_has_its_place(values: Tree) -> None:
    """Someone who adds a setting adds it to values.yaml and values.schema.json, or, above, to what the chart makes."""
    here = {*settings_of(values), *values["secret"]["keys"]}
    known = {one.name for one in fields(Settings)}
    assert here | BY_CHART | OF_CALLERS == known
    assert not here & (BY_CHART | OF_CALLERS)


def test_secrets_are_only_where_secrets_belong(values: Tree) -> None:
    secret = {one.name for one in fields(Settings) if one.metadata["secret"]}
    assert set(values["secret"]["keys"]) == secret - OF_CALLERS


def test_defaults_are_those_of_the_service(values: Tree) -> None:
    service = load({})
    for name, value in settings_of(values).items():
        expected = getattr(service, name)
        assert value == (list(expected) if isinstance(expected, tuple) else expected), name


def test_the_schema_has_the_bounds_of_the_settings(schema: Tree) -> None:
    metadata = {one.name: one.metadata for one in fields(Settings)}
    checked = 0
    for path, part in schemas_in(schema, schema):
        owner, _, name = path.rpartition(".")
        if owner.endswith("settings") and part.get("type") in ("integer", "number"):
            bounds = part.get("minimum"), part.get("maximum")
            assert bounds == (metadata[name]["least"], metadata[name]["most"]), path
            checked += 1
    assert checked > 10


def test_what_the_chart_makes_is_said_and_made() -> None:
    everything = "".join(templates().values())
    comments = VALUES.read_text()
    for name in BY_CHART:
        assert re.search(rf"name: {variable_of(name)}$|name: {variable_of(name)} ", everything, re.MULTILINE), name
    for name in BY_CHART | OF_CALLERS:
        assert re.search(rf"\b{variable_of(name)}\b", comments), name


def test_every_variable_named_anywhere_is_one() -> None:
    known = {*variables(), *OTHER_VARIABLES}
    for path in (*CHART.glob("*.*"), *TEMPLATES.iterdir(), *(CHART / "examples").iterdir()):
        named = set(re.findall(r"\bTRYON_[A-Z][A-Z_]*\b(?!<)", path.read_text())) - {"TRYON_"}
        assert {name for name in named if not name.endswith("_")} <= known, path.name


@pytest.mark.parametrize("over", [None, PRODUCTION, GPU], ids=["default", "production", "gpu"])
def test_values_are_valid(values: Tree, check: Any, over: Path | None) -> None:
    check.validate(merged(values, read(over)) if over else values)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gatewy": {}},
        {"gateway": {"settings": {"treads": 4}}},
        {"gateway": {"settings": {"cors_origins": ["https://shop.example/"]}}},
        {"gateway": {"settings": {"rate_key": "often"}}},
        {"engine": {"settings": {"worker_memory": "2Gi"}}},
        {"engine": {"startSeconds": 60}},
        {"settings": {"log_level": "loud"}},
        {"settings": {"drain": -1}},
        {"secret": {"keys": {"secrets": ""}}},
        {"gateway": {"image": {"digest": "sha256:1234"}}},
        {"batch": {"rightsReference": "contract; rm -rf /"}},
        {"ingress": {"paths": ["v1"]}},
    ],
)
def test_what_is_wrong_is_refused(values: Tree, check: Any, wrong: Tree) -> None:
    assert not check.is_valid(merged(values, wrong))


def test_no_setting_may_be_taken_out(values: Tree, check: Any) -> None:
    """As by null, after which a template would go on with nothing."""
    for part in (("settings",), ("gateway", "settings"), ("engine", "settings")):
        for name in values[part[0]] if len(part) == 1 else values[part[0]][part[1]]:
            without = json.loads(json.dumps(values))
            owner = without
            for key in part:
                owner = owner[key]
            del owner[name]
            assert not check.is_valid(without), (*part, name)


def test_the_schema_is_strict_and_says_what_everything_is(schema: Tree) -> None:
    for path, part in schemas_in(schema, schema):
        assert part.get("description"), path or "the root"
        if "properties" in part:
            assert part["additionalProperties"] is False, path


def test_schema_and_values_have_the_same_names(schema: Tree, values: Tree) -> None:
    described = {path for path, part in schemas_in(schema, schema) if path}
    said = {".".join(path[:end]) for path in paths_in(values) for end in range(1, len(path) + 1)}
    of_kubernetes = re.compile(r"(.*resources|.*podSecurityContext|networkPolicy\.dns\.to)\..*|global")
    assert not {one for one in said - described if not of_kubernetes.fullmatch(one)}
    assert not {one for one in described - said if not of_kubernetes.fullmatch(one)}


@pytest.mark.parametrize("over", [None, PRODUCTION, GPU], ids=["default", "production", "gpu"])
def test_pods_get_the_time_that_stopping_takes(values: Tree, over: Path | None) -> None:
    all_values = merged(values, read(over)) if over else values
    drain = all_values["settings"]["drain"]
    assert drain >= all_values["settings"]["render_timeout"]
    for part, ending in (("gateway", 5.0), ("engine", ENDING)):
        given = all_values[part]["terminationGracePeriodSeconds"]
        assert given > all_values[part]["preStopSeconds"] + drain + ending, part
    assert all_values["engine"]["startSeconds"] > START


@pytest.mark.parametrize("over", [None, PRODUCTION, GPU], ids=["default", "production", "gpu"])
def test_pods_have_the_memory_that_their_settings_take(values: Tree, over: Path | None) -> None:
    all_values = merged(values, read(over)) if over else values
    shared = all_values["settings"]
    for part in ("gateway", "engine"):
        own = {**shared, **all_values[part]["settings"]}
        numbers = {variable_of(name): str(value) for name, value in own.items() if isinstance(value, int | float)}
        settings = load({**numbers, "TRYON_DEVICE": str(own.get("device", "cpu"))})
        limit = re.fullmatch(r"(\d+)([MG]i)", all_values[part]["resources"]["limits"]["memory"])
        assert limit, part
        check_memory(settings, int(limit[1]) * UNITS[limit[2]], engine=part == "engine", gateway=part == "gateway")
