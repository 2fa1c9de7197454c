"""The generated code belongs to the proto."""

from __future__ import annotations

from pathlib import Path

import pytest

from tryon_service.pb import generate


def test_the_generated_code_is_fresh() -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    for name, text in generate.generate().items():
        assert (Path(generate.__file__).parent / name).read_text() == text, "run python -m tryon_service.pb.generate"
