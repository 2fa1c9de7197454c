"""Every value of the chart turns up in what helm makes of it: each is set to something of its own, and looked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chart_files import CHART, VALUES, Tree, helm, merged, read, yaml

FIXED = {"engine.autoscaling.by", "ingress.controller"}
"""What says which other values count; the cases below set it."""
LISTS_OF_TEXTS = {
    *("gateway.settings.cors_origins", "gateway.settings.remote_hosts"),
    *("ingress.hosts", "ingress.paths", "batch.poses", "batch.extraArgs"),
}
"""The other lists are of Kubernetes' own objects."""
NO_STORE: Tree = {"secret": {"keys": {"store_url": "", "index_url": ""}}}
MADE: Tree = {
    "secret": {"keys": {"secrets": "secrets"}},
    "gateway": {"storage": {"existingClaim": "", "accessMode": "ReadWriteMany"}, "image": {"digest": ""}},
    "engine": {"storage": {"existingClaim": ""}, "image": {"digest": ""}, "autoscaling": {"by": "hpa"}},
    "batch": {"image": {"digest": ""}},
    "mtls": {"gatewaySecret": "", "engineSecret": ""},
    "ingress": {"controller": "nginx"},
}
GIVEN: Tree = {
    "engine": {"autoscaling": {"by": "keda"}},
    "mtls": {"certManager": {"enabled": False}},
    "ingress": {"controller": "f5-nginx"},
}
ONE: Tree = {
    **NO_STORE,
    "gateway": {"replicas": 1, "settings": {"workers": 1}, "autoscaling": {"enabled": False}},
    "engine": {"replicas": 1, "autoscaling": {"by": "none"}},
}
CASES: tuple[Tree, ...] = (
    MADE,
    GIVEN,
    ONE,
    merged(ONE, {"gateway": {"storage": {"existingClaim": ""}}, "engine": {"storage": {"existingClaim": ""}}}),
    {"gateway": {"autoscaling": {"enabled": False}}, "engine": {"autoscaling": {"by": "none"}}},
)
"""Values that count only with or without others."""


def leaves(tree: Tree, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here, value


def marked(path: str, value: Any, number: int) -> tuple[Any, str]:
    """(a value of the same kind that is nowhere else, the text by which to find it)."""
    text = f"mark{number:04d}x"
    if isinstance(value, int | float):
        # The chart demands of these that they are the longest of all.
        unique = (100_000 + 5 * number) * (10 if path.endswith(".terminationGracePeriodSeconds") else 1)
        # It is given to Kubernetes as a number of probes.
        return unique, str(unique // 5 if path == "engine.startSeconds" else unique)
    if isinstance(value, list):
        return [text if path in LISTS_OF_TEXTS else {"name": text}], text
    if isinstance(value, dict):
        return {"key": text}, text
    return text, text


def planted(values: Tree) -> tuple[Tree, dict[str, str]]:
    """(values with a mark in each place, the mark of each path); what is switched on or off is on."""
    everything: Tree = {}
    marks: dict[str, str] = {}
    for number, (path, value) in enumerate(leaves(values)):
        *owners, key = path.split(".")
        place = everything
        for owner in owners:
            place = place.setdefault(owner, {})
        if isinstance(value, bool):
            place[key] = True
        elif path in FIXED:
            place[key] = value
        else:
            place[key], marks[path] = marked(path, value, number)
    return everything, marks


def test_every_value_matters() -> None:
    values = read(VALUES)
    everything, marks = planted(values)
    made = ""
    for case in CASES:
        with_case = merged(merged(values, everything), case)
        run = helm("template", "shop", str(CHART), "--skip-schema-validation", values=with_case)
        assert run.returncode == 0, run.stderr
        assert list(yaml.safe_load_all(run.stdout))
        made += run.stdout
    assert len(marks) > 150
    assert not sorted(path for path, mark in marks.items() if mark not in made)
