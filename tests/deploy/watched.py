"""What deploy/ has for watching the service, and what a running service says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARDS = {file.stem: file for file in sorted((DEPLOY / "dashboards").glob("*.json"))}
RULES = DEPLOY / "prometheus"
RUNBOOKS = DEPLOY / "runbooks"

TARGET_LABELS = {"job", "instance", "namespace"}
"""Put on by Prometheus; the last one on Kubernetes."""
VARIABLES = {
    "$__rate_interval": "1m",
    "$gateway": ".*",
    "$engine": ".*",
    "$instance": ".*",
    "$run": ".*",
}
"""Of dashboards, and what Grafana may put in their place."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_USE = re.compile(r"(?<![\w:$])((?:tryon|process|node)[\w:]*|up)\b(?!\s*\()(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")


@dataclass(frozen=True)
class Use:
    """A metric in an expression. matchers: (label, operator, value)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether a sample with these labels is meant, as far as it has them."""
        for label, operator, value in self.matchers:
            if label in TARGET_LABELS:
                continue
            found = labels.get(label, "")
            same = re.fullmatch(value, found) is not None if "~" in operator else value == found
            if same == operator.startswith("!"):
                return False
        return True


def uses(expression: str) -> list[Use]:
    """Every metric in an expression; braces in strings are seen to."""
    hidden: list[str] = []

    def hide(found: re.Match[str]) -> str:
        hidden.append(found[0])
        return f'"{len(hidden) - 1}"'

    short = _STRING.sub(hide, expression)
    found = []
    for name, braces in _USE.findall(_GROUPING.sub("", short)):
        matchers = _MATCHER.findall(braces)
        found.append(Use(name, tuple((label, op, hidden[int(number)][1:-1]) for label, op, number in matchers)))
    return found


def grouped_by(expression: str) -> set[str]:
    """Every label that an expression groups or joins by."""
    lists = _GROUPING.findall(_STRING.sub('""', expression))
    return {label.strip() for one in lists for label in one.split(",") if label.strip()}


def load(name: str) -> Any:
    return json.loads(DASHBOARDS[name].read_text())


def panels(dashboard: Any) -> Iterator[Any]:
    """Those that show something."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def filled_in(expression: str) -> str:
    """As Grafana asks Prometheus."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


def expressions(dashboard: Any) -> Iterator[tuple[str, str]]:
    """(panel's title, expression as Grafana asks)."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield panel["title"], filled_in(target["expr"])
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], filled_in(annotation["expr"])


Samples = dict[str, list[dict[str, str]]]
"""Labels of every sample, by name."""


def samples(exposition: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found
