"""Run one suite and write what it found: figures.json, index.html and its pictures."""

from __future__ import annotations

import json
from pathlib import Path

from tryon_service.evaluation import suites as _registered  # noqa: F401 - fills SUITES
from tryon_service.evaluation.base import SHOPPERS, SUITES, Options
from tryon_service.evaluation.page import page
from tryon_service.imaging.encode import encode, format_for
from tryon_service.pipeline import Pipeline


def evaluate(
    name: str,
    data: Path,
    out: Path,
    limit: int | None = None,
    shoppers: int = SHOPPERS,
    baseline: Path | None = None,
    pipeline: Pipeline | None = None,
) -> Path:
    """Returns the page's path; out must exist. See base.Options for the options.

    Raises InputError for an unknown suite or a folder without photos.
    """
    options = Options(out, limit, shoppers, baseline)
    findings = SUITES.create(name).run(pipeline or Pipeline(), data, options)
    figures = {"table": findings.table, **findings.figures} if findings.table else findings.figures
    (out / "figures.json").write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n")
    for file, picture in findings.files.items():
        (out / file).write_bytes(encode(picture, format_for(Path(file).suffix)))
    index = out / "index.html"
    index.write_text(page(f"tryon evaluate {name}", findings))
    return index
