"""Alert rules: well formed, each with a runbook, and firing when they should, as far as promtool is there to say so."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from watched import RULES, RUNBOOKS

yaml = pytest.importorskip("yaml", reason="no PyYAML: pip install -e '.[dev]'")

SECTIONS = ["What shoppers notice", "How to see it", "Now", "Afterwards", "How it was tried"]
FILES = ("recording.yaml", "alerts.yaml")
PLACE = re.compile(r"https://tryon\.example/deploy/runbooks/(\w+)\.md")


def alerts() -> list[Any]:
    groups = yaml.safe_load((RULES / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names() -> list[str]:
    return sorted({one["alert"] for one in alerts()})


def promtool(*arguments: str) -> None:
    """Raises AssertionError with what it says."""
    if shutil.which("promtool") is None:
        pytest.skip("no promtool (Debian's package prometheus): that rules parse and alerts fire was not checked")
    done = subprocess.run(["promtool", *arguments], cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_what_it_is() -> None:
    assert len(names()) >= 15
    for one in alerts():
        told = one["alert"]
        assert one["labels"]["severity"] in ("critical", "warning"), told
        notes = one["annotations"]
        assert set(notes) == {"summary", "description", "runbook_url"}, told
        assert notes["description"].rstrip().endswith("."), told
        assert len(notes["summary"]) <= 60, told
        found = PLACE.fullmatch(notes["runbook_url"])
        assert found, told
        assert found[1] == told


def test_every_alert_has_a_runbook_and_the_other_way_round() -> None:
    files = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}
    assert files == set(names())
    index = (RUNBOOKS / "README.md").read_text()
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == files


@pytest.mark.parametrize("name", names())
def test_a_runbook_answers_the_same_questions(name: str) -> None:
    lines = (RUNBOOKS / f"{name}.md").read_text().splitlines()
    assert lines[0] == f"# {name}"
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS


@pytest.mark.parametrize("name", names())
def test_what_a_runbook_names_is_there(name: str) -> None:
    """Other runbooks, settings, metrics, codes."""
    from tryon_service.errors import CODES
    from tryon_service.settings import OTHER_VARIABLES, load, rows

    text = (RUNBOOKS / f"{name}.md").read_text()
    known = {variable for _, variable, *_ in rows(load({}))} | set(OTHER_VARIABLES)
    assert set(re.findall(r"TRYON_[A-Z_]+", text)) <= known
    assert set(re.findall(r"\]\((\w+)\.md\)", text)) <= set(names())
    assert set(re.findall(r"\bcode `(\w+)`", text)) <= set(CODES)
    rules = "".join((RULES / file).read_text() for file in FILES)
    source = Path(__file__).parents[2].joinpath("tryon_service")
    said = "".join((source / file).read_text() for file in ("observability/metrics.py", "batch/metrics_file.py"))
    for metric in re.findall(r"\btryon_[a-z_]+", text):
        bare = re.sub(r"_(total|bucket|sum|count)$", "", metric)
        assert bare in said or metric in rules or bare.removeprefix("tryon_batch_") in said, metric


def test_rules_parse() -> None:
    promtool("check", "rules", "--lint-fatal", *FILES)
    promtool("check", "config", "prometheus.yaml")


def test_every_alert_is_tried() -> None:
    cases = [one for file in ("tests.yaml", "days.yaml") for one in yaml.safe_load((RULES / file).read_text())["tests"]]
    checks = [(check["expr"], bool(check["exp_samples"])) for one in cases for check in one["promql_expr_test"]]
    for name in names():
        outcomes = {fires for expression, fires in checks if f'"{name}"' in expression}
        assert outcomes == {True, False}, f"{name} is not tried both ways"


@pytest.mark.parametrize("file", ["tests.yaml", "days.yaml"])
def test_alerts_fire_when_they_should(file: str) -> None:
    promtool("test", "rules", file)
