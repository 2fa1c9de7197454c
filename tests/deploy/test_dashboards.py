"""Dashboards and rules ask for what a running service has: every metric, every label, every value of a label."""

from __future__ import annotations

import re
from typing import Any

import httpx
import numpy as np
import pytest
from real_service import form, free_port, put_product, render, running
from watched import (
    DASHBOARDS,
    RULES,
    TARGET_LABELS,
    VARIABLES,
    Samples,
    expressions,
    grouped_by,
    load,
    panels,
    samples,
    uses,
)

from tryon_service.batch.metrics_file import MetricsFile
from tryon_service.errors import CODES, ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.observability.labels import VERDICTS
from tryon_service.observability.metrics import EngineMetrics, GatewayMetrics
from tryon_service.zoo.store import Store

yaml = pytest.importorskip("yaml", reason="no PyYAML: pip install -e '.[dev]'")

UNITS = {"none", "reqps", "percentunit", "s", "bytes"}
"""Ids of Grafana's units that are in use here."""
BY, WITHOUT = re.compile(r"\bby\s*\(([^()]*)\)"), re.compile(r"\bwithout\s*\(([^()]*)\)")
KINDS = {"timeseries", "stat", "heatmap", "table"}


def rules() -> list[Any]:
    """Of both files, recording ones first."""
    files = [yaml.safe_load((RULES / name).read_text()) for name in ("recording.yaml", "alerts.yaml")]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def traffic(url: str, key: str) -> None:
    """A little of everything that leaves a trace in metrics."""
    size = (384, 512)
    card = encode(draw_figure("standing", OUTFITS["print_tee"], size).photo, "jpeg")
    wall = encode(np.full((512, 384, 3), 200, np.uint8), "jpeg")
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60.0) as http:
        put_product(http, "tee", card)
        for _ in range(2):  # the second one is found in the cache
            assert render(http, pose="name:standing", product_id="tee").status_code == 200
        assert render(http, pose="name:standing", product=wall).json()["code"] == "no_model_in_product"
        assert http.post("/v1/poses", files=form(shopper=wall)).json()["code"] == "no_person"
        assert httpx.get(f"{url}/v1/products", timeout=60.0).json()["code"] == "unauthorized"


def rarely_there() -> Samples:
    """What a service on one machine has no reason to say: Redis, TLS, doubts."""
    gateway, engine = GatewayMetrics(["/v1/renders"]), EngineMetrics()
    gateway.redis(up=True)
    gateway.started()
    gateway.call("POST", "/v1/renders", 429, 0.1, "overloaded")
    engine.certificate(2e9)
    engine.verdict("doubtful", [("blurred", "product")])
    return merged(samples(gateway.exposition()[0].decode()), samples(engine.exposition()[0].decode()))


def merged(*parts: Samples) -> Samples:
    return {name: [one for part in parts for one in part.get(name, [])] for part in parts for name in part}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """All that the service, a run of `tryon batch` and Prometheus itself have to say."""
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks, so that no panel was compared with a running service: {error}")
    run = tmp_path_factory.mktemp("textfiles") / "cards.prom"
    with MetricsFile(run) as file:
        file.note(2, 1, 0, {"rendered": 1})
        file.complete()
    port = free_port()
    with running(TRYON_ENGINE_METRICS_PORT=str(port)) as service:
        traffic(service.url, service.key())
        sources = (service.url, f"http://127.0.0.1:{port}")
        texts = [httpx.get(f"{source}/metrics", timeout=60.0).text for source in sources]
    found = [samples(text) for text in (*texts, run.read_text())]
    return merged(*found, rarely_there(), {"up": [{}]})


def recorded(said: Samples) -> Samples:
    """What recording rules make of it, with the labels that they leave."""
    out: Samples = {}
    for rule in (one for one in rules() if "record" in one):
        inputs = [out[use.name][0].keys() for use in uses(rule["expr"]) if use.name in out]
        labels = set().union(*inputs)
        labels |= {label.strip() for one in BY.findall(rule["expr"]) for label in one.split(",")}
        labels -= {label.strip() for one in WITHOUT.findall(rule["expr"]) for label in one.split(",")}
        out[rule["record"]] = [dict.fromkeys(labels - {"le"}, "")]
    return out


def complaints(where: str, expression: str, said: Samples) -> list[str]:
    """What an expression asks for and nobody says."""
    wanted, out = uses(expression), []
    assert wanted, f"{where} asks for nothing"
    for use in wanted:
        if use.name not in said:
            out.append(f"{where}: no metric {use.name}")
            continue
        have = {label for one in said[use.name] for label in one} | TARGET_LABELS
        out += [f"{where}: {use.name} has no label {label}" for label, *_ in use.matchers if label not in have]
        if not use.name.startswith("tryon:") and not has_value(use, said):
            out.append(f"{where}: {use.name} never is {use.matchers}")
    have = {label for use in wanted for one in said.get(use.name, []) for label in one} | TARGET_LABELS
    out += [f"{where}: nothing has the label {label}" for label in grouped_by(expression) - have]
    return out


def has_value(use: Any, said: Samples) -> bool:
    """Whether a sample matches. What this traffic didn't meet is known by the tables it is from."""
    every = [
        {**one, **known}
        for one in said[use.name]
        for known in (
            [{}]
            + [{"code": code} for code in CODES if "code" in one]
            + [{"status": status} for status in ("2xx", "5xx") if "status" in one and "route" in one]
            + [{"status": "failed"} for _ in [0] if one.get("status") == "rendered"]
            + [{"verdict": verdict} for verdict in VERDICTS if "verdict" in one]
        )
    ]
    return any(use.matches(one) for one in every)


def test_every_panel_and_rule_asks_for_what_is_there(said: Samples) -> None:
    everything = {**said, **recorded(said)}
    wrong = []
    for name in DASHBOARDS:
        for title, expression in expressions(load(name)):
            wrong += complaints(f"{name}: {title}", expression, everything)
    for rule in rules():
        wrong += complaints(str(rule.get("alert") or rule.get("record")), rule["expr"], everything)
    assert wrong == []


def test_every_metric_of_ours_is_looked_at_somewhere(said: Samples) -> None:
    """One that nobody looks at is one to remove, or a panel that is missing."""
    shown = {use.name for name in DASHBOARDS for _, expression in expressions(load(name)) for use in uses(expression)}
    shown |= {use.name for rule in rules() for use in uses(rule["expr"])}
    beginnings = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in shown}
    ours = {
        name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        for name in said
        if name.startswith("tryon_")
    }
    assert ours <= beginnings


def test_a_metric_that_isnt_there_is_noticed(said: Samples) -> None:
    assert complaints("here", "rate(tryon_nothing_total[5m])", said) == ["here: no metric tryon_nothing_total"]
    assert complaints("here", "tryon_engine_ready{colour='red'}".replace("'", '"'), said)
    assert complaints("here", 'tryon_queue_items{priority="urgent"}', said)
    assert complaints("here", "sum by (colour) (tryon_queue_items)", said)


@pytest.mark.parametrize("name", ["batch", "engine", "service"])
def test_a_dashboard_can_be_imported(name: str) -> None:
    """Grafana's own rules for a dashboard's JSON: what it would change or complain of when it reads it."""
    dashboard = load(name)
    assert (dashboard["uid"], dashboard["schemaVersion"]) == (f"tryon-{name}", 41)
    assert "id" not in dashboard, "Grafana gives it one"
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert {f"${one}" for one in variables} - {"$datasource"} <= set(VARIABLES)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels(dashboard):
        told = f"{name}: {panel['title']}"
        assert panel["type"] in KINDS, told
        assert len(panel["description"]) > 20, f"{told} has no description"
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS, told
        steps = defaults["thresholds"]["steps"]
        assert steps[0]["value"] is None, f"{told}: the first step has no value"
        assert [one["value"] for one in steps[1:]] == sorted(one["value"] for one in steps[1:]), told
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, told
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), told


@pytest.mark.parametrize("name", ["batch", "engine", "service"])
def test_panels_neither_overlap_nor_stick_out(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in load(name)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells


def test_there_are_the_three() -> None:
    assert set(DASHBOARDS) == {"batch", "engine", "service"}
