"""The README's Python example does what it says, against the running service."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from real_service import Service

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(r"<!-- client -->\s*```python\n(.*?)```\s*<!-- /client -->", re.DOTALL)


def test_the_example_of_the_client_runs(
    service: Service,
    card: bytes,
    shopper: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = EXAMPLE.search(README.read_text())
    assert found, "the README has no example of the client"
    monkeypatch.chdir(tmp_path)
    Path("me.jpg").write_bytes(shopper)
    Path("card.jpg").write_bytes(card)
    code = found[1].replace("http://127.0.0.1:8080", service.url)
    exec(compile(code, str(README), "exec"), {"key": service.key()})
    assert Path("card-for-me.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert capsys.readouterr().out.strip() in ("accepted", "doubtful")
