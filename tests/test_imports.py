"""Imports go one way, and what must start light does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tryon_service

PACKAGE = Path(tryon_service.__file__).parent

TIERS: tuple[tuple[str, ...], ...] = (
    ("types",),
    ("errors", "confine"),
    ("environment", "machine_memory", "ports"),
    ("settings", "pb"),
    ("keyring", "observability", "engine_client"),
    ("access",),
    ("registry", "cache", "packing", "stopwatch", "fingerprint", "devices"),
    ("analysis_cache",),
    ("zoo",),
    ("imaging",),
    ("fetch",),
    ("gateway", "client"),
    ("perception",),
    ("retarget",),
    ("appearance",),
    ("renderers",),
    ("figures",),
    ("poses",),
    ("quality",),
    ("request", "choice", "backdrop", "verdict"),
    ("analysis",),
    ("pipeline",),
    ("report",),
    ("products",),
    ("evaluation",),
    ("training",),
    ("engine", "onboarding"),
    ("shop", "batch", "preflight"),
    ("cli",),
    ("__main__",),
)
"""Lowest first: a module imports only from its own room and from tiers below."""

TIER = {room: level for level, rooms in enumerate(TIERS) for room in rooms}
HEAVY = {"torch", "ai_edge_litert", "onnxruntime"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported(tree: ast.AST) -> set[str]:
    """Full names of every module imported anywhere below the node."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_point_to_lower_tiers(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    for name in imported(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[0] != "tryon_service" or len(parts) == 1 or parts[1] in (room, "__version__"):
            continue
        assert TIER[parts[1]] < TIER[room], f"{room} must not import {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    """Not at the top of a module; only training/ and the nets/ folders, which hold nothing but networks, may."""
    if room_of(path) == "training" or path.parent.name == "nets":
        return
    body = ast.parse(path.read_text()).body
    at_top = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not {name.split(".")[0] for name in imported(ast.Module(at_top, []))} & HEAVY


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import tryon_service", ("torch", "cv2", "ai_edge_litert", "numpy", "PIL", "onnxruntime")),
        ("import tryon_service.cli.main as m; m.build_parser()", ("torch", "cv2", "ai_edge_litert", "onnxruntime")),
        (
            "import tryon_service.gateway.routes.links",
            ("cv2", "PIL", "ai_edge_litert", "onnxruntime", "torch", "redis"),
        ),
        (
            "import tryon_service.engine.server, tryon_service.cli.engine",
            ("cv2", "PIL", "ai_edge_litert", "onnxruntime", "torch", "redis"),
        ),
        ("import tryon_service.client", ("cv2", "PIL", "flask", "grpc", "ai_edge_litert", "onnxruntime", "torch")),
        ("import tryon_service.pipeline", ("torch", "ai_edge_litert", "onnxruntime", "scipy")),
    ],
)
def test_what_is_loaded(statement: str, forbidden: tuple[str, ...]) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {forbidden!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
