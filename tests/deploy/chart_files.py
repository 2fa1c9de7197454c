"""The Helm chart as files, and as what helm makes of it where there is one on the PATH."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="no PyYAML: pip install -e '.[dev]'; the Helm chart is not checked")

ROOT = Path(__file__).parents[2]
CHART, DEPLOY = ROOT / "helm" / "tryon", ROOT / "deploy"
TEMPLATES = CHART / "templates"
VALUES = CHART / "values.yaml"
PRODUCTION, GPU = CHART / "values-production.yaml", CHART / "values-gpu.yaml"
SETS: dict[str, tuple[str, ...]] = {
    "default": (),
    "production": ("-f", str(PRODUCTION)),
    "production with keda": ("-f", str(PRODUCTION), "--set", "engine.autoscaling.by=keda,bindAddress=::"),
    "gpu": ("-f", str(GPU)),
}
"""helm's arguments for each set of values that is rendered."""
NO_HELM = "no helm on the PATH: the chart is neither linted nor rendered; what it would make is not checked"

Tree = dict[str, Any]


def read(path: Path) -> Tree:
    content: Tree = yaml.safe_load(path.read_text())
    return content


def merged(base: Tree, over: Tree) -> Tree:
    """Values over values, as Helm does it: maps are merged, everything else is replaced."""
    both = dict(base)
    for key, value in over.items():
        both[key] = merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return both


def paths_in(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Of every value and of every map of values."""
    for key, value in tree.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from paths_in(value, (*path, key))


def schemas_in(schema: Tree, node: Tree, path: str = "") -> Iterator[tuple[str, Tree]]:
    """(path, schema) of every value that has a place of its own, with references followed."""
    for reference in (node, *node.get("allOf", ())):
        if "$ref" in reference:
            node = {**schema["definitions"][reference["$ref"].rpartition("/")[2]], **node}
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from schemas_in(schema, child, f"{path}.{name}" if path else name)


def templates() -> dict[str, str]:
    """Text of each template by its name, NOTES.txt among them."""
    return {path.name: path.read_text() for path in sorted(TEMPLATES.iterdir())}


def helm(*arguments: str, values: Tree | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm; values: over all others, by standard input. Skips where there is none."""
    if not shutil.which("helm"):
        pytest.skip(NO_HELM)
    more = () if values is None else ("-f", "-")
    text = None if values is None else yaml.safe_dump(values)
    command = ["helm", *arguments, *more]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


def rendered(*arguments: str, values: Tree | None = None) -> list[Tree]:
    """The objects that helm makes, of the release `shop` in the namespace `fashion`."""
    made = helm("template", "shop", str(CHART), "--namespace", "fashion", *arguments, values=values)
    assert made.returncode == 0, made.stderr
    return [one for one in yaml.safe_load_all(made.stdout) if one]


def pod_templates(objects: list[Tree]) -> dict[str, Tree]:
    """Pod templates by a name of theirs: of Deployments, and of a RayJob's cluster."""
    found: dict[str, Tree] = {}
    for one in objects:
        spec = one.get("spec", {})
        if one["kind"] == "Deployment":
            found[one["metadata"]["name"]] = spec["template"]
        elif one["kind"] == "RayJob":
            cluster = spec["rayClusterSpec"]
            found["submitter"], found["head"] = spec["submitterPodTemplate"], cluster["headGroupSpec"]["template"]
            found |= {group["groupName"]: group["template"] for group in cluster["workerGroupSpecs"]}
    return found
