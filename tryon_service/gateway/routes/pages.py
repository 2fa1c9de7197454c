"""Files that browsers load from here: the widget for the shops' pages, and our own pages, `/docs` and `/admin`.

    static/widget/v1/  ->  /widget/v1/{tryon,flow}.js    for pages of any origin
    static/admin/      ->  /admin, /admin/{admin.js,admin.css}
    static/docs/       ->  /docs, /docs/{docs.js,docs.css}

Only the files named here are served, each as it was when the gateway started; one that was not there is not found.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, request

from tryon_service.errors import InputError

STATIC = Path(__file__).parents[1] / "static"
INDEX = "index.html"
FILES = {
    "widget/v1": ("tryon.js", "flow.js"),
    "admin": (INDEX, "admin.js", "admin.css"),
    "docs": (INDEX, "docs.js", "docs.css"),
}
"""By folder."""
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
AGE, STALE_AGE, VERSIONED_AGE = 300, 86_400, 31_536_000
"""Seconds that browsers may keep a file; show it beyond that while they ask for a newer one; keep one whose address
names its content."""
VERSION_CHARACTERS = 16
"""Of the content's sha256 in `flow.js?v=...`, as the widget's build.mjs writes it into tryon.js."""
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"  # fmt: skip
"""Content-Security-Policy of our own pages."""


@dataclass(frozen=True)
class File:
    """A file to be sent as it is or, where the browser takes that, packed."""

    body: bytes
    content_type: str

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.body, mtime=0)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def response(self) -> Response:
        """200, or 304 for who has it already."""
        packed = request.accept_encodings.quality("gzip") > 0
        response = Response(self.packed if packed else self.body, content_type=f"{self.content_type}; charset=utf-8")
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
        response.headers["Cache-Control"] = f"public, max-age={AGE}"
        response.set_etag(self.sha256[:32], weak=True)  # weak: one for both ways of sending it
        response.make_conditional(request)
        return response


def static_pages(static: Path = STATIC) -> APIBlueprint:
    """static: the folder of FILES."""
    pages = APIBlueprint("pages", __name__, enable_openapi=False)
    files = _read(static)

    @pages.get("/widget/v1/<name>")
    def widget(name: str) -> Response:
        file = _file(files, f"widget/v1/{name}")
        response = file.response()
        same = request.args.get("v") == file.sha256[:VERSION_CHARACTERS]
        age = f"max-age={VERSIONED_AGE}, immutable" if same else f"max-age={AGE}, stale-while-revalidate={STALE_AGE}"
        response.headers["Cache-Control"] = f"public, {age}"
        response.headers["Access-Control-Allow-Origin"] = "*"  # import() of a module asks for it
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @pages.get("/admin")
    @pages.get("/admin/<name>")
    def admin(name: str = INDEX) -> Response:
        return _own_page(_file(files, f"admin/{name}"))

    @pages.get("/docs")
    @pages.get("/docs/<name>")
    def docs(name: str = INDEX) -> Response:
        return _own_page(_file(files, f"docs/{name}"))

    return pages


def _own_page(file: File) -> Response:
    response = file.response()
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _read(static: Path) -> dict[str, File]:
    """By path below the folder."""
    paths = [f"{folder}/{name}" for folder, names in FILES.items() for name in names]
    there = [path for path in paths if (static / path).is_file()]
    return {path: File((static / path).read_bytes(), TYPES[Path(path).suffix]) for path in there}


def _file(files: dict[str, File], path: str) -> File:
    if path not in files:
        raise InputError("not_found")
    return files[path]
