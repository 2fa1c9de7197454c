"""One self-contained HTML page: figures and pictures, the pictures inlined as JPEG."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence

from tryon_service.evaluation.base import Findings, Picture, Row
from tryon_service.imaging.encode import encode

QUALITY = 88
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; color: #222; }
p { max-width: 50rem; } pre { white-space: pre-wrap; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; border-bottom: 1px solid #ddd; text-align: left; }
figure { display: inline-block; margin: .5rem; vertical-align: top; } img { max-width: 100%; }
figcaption { font-size: .85rem; color: #555; }
"""


def page(title: str, findings: Findings) -> str:
    figures = "".join(_row(key, value) for key, value in findings.figures.items())
    pictures = "\n".join(_figure(picture) for picture in findings.pictures)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n"
        f"{_prose(findings.note)}\n{_table(findings.table)}<table>{figures}</table>\n{pictures}\n</body></html>\n"
    )


def _prose(text: str) -> str:
    """Paragraphs, which blank lines part."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
    return "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)


def _table(rows: Sequence[Row]) -> str:
    """The first column names the rows; what is None stays empty."""
    if not rows:
        return ""
    lines = [f"<tr>{''.join(f'<th>{html.escape(name)}</th>' for name in rows[0])}</tr>"]
    for row in rows:
        name, *cells = ("" if value is None else html.escape(str(value)) for value in row.values())
        lines.append(f"<tr><th>{name}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table>{''.join(lines)}</table>\n"


def _row(key: str, value: object) -> str:
    return f"<tr><th>{html.escape(key)}</th><td>{_cell(value)}</td></tr>"


def _cell(value: object) -> str:
    """A list of records becomes a folded list, everything else its JSON."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        lines = "\n".join(json.dumps(record) for record in value)
        return f"<details><summary>{len(value)} rows</summary><pre>{html.escape(lines)}</pre></details>"
    return html.escape(value if isinstance(value, str) else json.dumps(value))


def _figure(picture: Picture) -> str:
    data = base64.b64encode(encode(picture.rgb, "jpeg", quality=QUALITY)).decode()
    caption = html.escape(picture.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{data}"><figcaption>{caption}</figcaption></figure>'
    )
