"""A gateway that can import nothing but what its lock installs, asked everything: `python only_locked.py FOLDER`.

Whatever else is installed here is hidden from it, so that what it needs and isn't in the lock fails as it would in the
image. Prints the third-party packages that were imported.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from locks import versions
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from tryon_service.settings import Settings

OWN = "tryon-service"
ANSWERS = {200, 201, 204, 400, 404, 422, 503, 504}
"""Statuses of calls that were understood; 500 isn't one."""
PHOTO = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
RIGHTS: dict[str, str | bytes] = {"rights_confirmed": "true", "rights_reference": "contract 7"}
CALLS: tuple[tuple[str, str, dict[str, str | bytes]], ...] = (
    ("POST", "/v1/renders", {"shopper": PHOTO, "product": PHOTO}),
    ("POST", "/v1/renders", {"pose": "name:standing", "product_id": "shirt"}),
    ("POST", "/v1/poses", {"shopper": PHOTO}),
    ("GET", "/v1/poses", {}),
    ("PUT", "/v1/products/shirt", {"photos": PHOTO, **RIGHTS}),
    ("PUT", "/v1/products/shirt", {"urls": "https://elsewhere.example/a.jpg", **RIGHTS}),
    ("GET", "/v1/products", {}),
    ("GET", "/v1/products/shirt", {}),
    ("GET", "/v1/products/shirt/photos/0", {}),
    ("GET", "/v1/products/shirt/overlays/0", {}),
    ("DELETE", "/v1/products/shirt", {}),
)
DOCUMENTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("/v1/widget-tokens", {"origin": "https://shop.example", "product_ids": ["shirt"]}),
    ("/v1/render-urls", {"pose": "name:standing", "product_ids": ["shirt"], "w": 320}),
)
PAGES = ("/docs", "/openapi.json", "/healthz", "/metrics", "/widget/v1/tryon.js", "/admin")


class OnlyLocked(MetaPathFinder):
    """Says that there is no such module, of distributions that aren't allowed."""

    def __init__(self, allowed: set[str]) -> None:
        self.hidden = {
            top for top, owners in packages_distributions().items()
            if not {canonicalize_name(one) for one in owners} & allowed
        }  # fmt: skip

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self.hidden:
            raise ModuleNotFoundError(f"{fullname} is not in the gateway's lock", name=fullname)
        return None


def hide_the_rest() -> None:
    allowed = {*versions("gateway"), OWN}
    finder = OnlyLocked(allowed)
    for name in [name for name in sys.modules if name.partition(".")[0] in finder.hidden]:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)


def main(folder: Path) -> None:
    hide_the_rest()
    from tryon_service.observability.multiprocess import prepare_folder, remove_folder
    from tryon_service.settings import load

    prepare_folder(folder)
    try:
        from tryon_service.cli.main import build_parser
        from tryon_service.gateway.wsgi import open_app
        from tryon_service.preflight import check

        build_parser()
        environ = {
            "TRYON_DATA": str(folder),
            "TRYON_RENDER_TIMEOUT": "0.2",
            "TRYON_CORS_ORIGINS": "https://shop.example",
            "TRYON_REMOTE_HOSTS": "photos.example",
        }
        settings = load(environ)
        check(settings, gateway=True)
        with ExitStack() as closing:
            ask_everything(settings, closing)
        with ExitStack() as closing:
            answer_with_redis(load({**environ, "TRYON_REDIS_URL": "redis://127.0.0.1:1/0"}), closing)
        with ExitStack() as closing:
            open_app(load({**environ, "TRYON_OTLP_ENDPOINT": "http://127.0.0.1:1/v1/traces"}), closing)
    finally:
        remove_folder()
    owners = packages_distributions()
    tops = {name.partition(".")[0] for name in sys.modules}
    sys.stdout.write(
        json.dumps(sorted({canonicalize_name(one) for top in tops for one in owners.get(top, ())} - {OWN}))
    )


def ask_everything(settings: Settings, closing: ExitStack) -> None:
    """Every route, with what it reads. The engine can't be reached, which a problem document says each time."""
    from tryon_service.access.access import KEYS_FILE
    from tryon_service.access.keys import KeyStore
    from tryon_service.gateway.wsgi import open_app

    client = open_app(settings, closing).test_client()
    _, key = KeyStore(settings.data / KEYS_FILE).create("shop", ("admin", "products", "render"))
    headers = {"Authorization": f"Bearer {key}"}
    for page in PAGES:
        assert client.get(page).status_code == 200, page
    assert client.get("/readyz").status_code == 503
    for method, path, fields in CALLS:
        data = {name: (io.BytesIO(one), "photo") if isinstance(one, bytes) else one for name, one in fields.items()}
        kind = "multipart/form-data" if data else None
        answer = client.open(path, method=method, headers=headers, data=data or None, content_type=kind)
        assert answer.status_code in ANSWERS, (method, path, answer.status, answer.text)
    for path, document in DOCUMENTS:
        answer = client.post(path, headers=headers, json=document)
        assert answer.status_code in ANSWERS, (path, answer.status, answer.text)


def answer_with_redis(settings: Settings, closing: ExitStack) -> None:
    """It isn't there, which costs a call nothing but its limits."""
    from tryon_service.gateway.wsgi import open_app
    from tryon_service.preflight import check

    check(settings, gateway=True)
    client = open_app(settings, closing).test_client()
    assert client.get("/v1/poses").status_code in (401, 503)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
