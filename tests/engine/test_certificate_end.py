"""When the engine's certificate ends, for whoever watches it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from certificates import Authority

from tryon_service.engine.listen import certificate_end
from tryon_service.errors import InputError


def test_the_end_of_a_certificate(tmp_path: Path) -> None:
    certificate, _ = Authority(tmp_path, "ours").issue("engine")
    assert certificate_end(certificate) == pytest.approx(time.time() + 3600.0, abs=60.0)


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_holds_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cert.pem"
    file.write_bytes(content)
    with pytest.raises(InputError, match="no certificate in PEM") as caught:
        certificate_end(str(file))
    assert caught.value.field == "TRYON_ENGINE_CERT"
