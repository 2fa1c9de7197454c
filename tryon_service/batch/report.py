"""report.html: a run at a glance, for those who take and choose the photos.

    write_report(work, plan, "catalogue.csv", "results.parquet", outputs)

One file, without scripts, that loads nothing from anywhere; its links lead to the pictures beside it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tryon_service.batch.outputs import Outputs
from tryon_service.batch.poses import PREVIEW
from tryon_service.batch.rows import Row, Status
from tryon_service.batch.run import Run
from tryon_service.batch.tally import SAMPLE, Group, Tally
from tryon_service.batch.thumbnails import Thumbnails
from tryon_service.batch.worker import Plan
from tryon_service.errors import CODES
from tryon_service.onboarding.advice import ADVICE

REPORT = "report.html"
"""The report's name in the output folder."""
PREVIEW_BOX = (640, 640)
"""(width, height) in pixels that the drawn poses fit into."""
MOST_TEXT = 160
"""Characters shown of a text that comes from the catalogue."""
STATUSES: Mapping[Status, str] = {
    "rendered": "Ready",
    "doubtful": "Needs a look",
    "refused": "Can't be made",
    "failed": "Failed",
}
"""What the page calls them."""
IN_CATALOGUES: Mapping[str, tuple[str, str]] = {
    "not_found": (
        "A photo that the catalogue names isn't there.",
        "Check how its name is written, capitals included, and the folder of the photos.",
    ),
    "blocked_url": (
        "A photo's name leads out of the folder of the photos.",
        "Name files below that folder: no '..', no address, no link to somewhere else.",
    ),
    "missing_field": (
        "A line leaves out something that it needs.",
        "Every line names a product and a photo, and the models' agreement has to be written down somewhere.",
    ),
    "invalid_option": ("A line says something that can't be.", "What it is stands below, with what failed."),
}
"""(what is wrong, what to do) where the words of CODES and ADVICE are about a call and not about a catalogue."""
AGAIN = "Run the command again: this is tried anew."
_TEMPLATES = Path(__file__).with_name("templates")


def write_report(work: Run, plan: Plan, catalogue: str, table: str, outputs: Outputs) -> str:
    """Write it once the run is finished; its name in the output folder. catalogue: the file's name; table: what finish
    returned. Raises UnavailableError: "storage_full" or "storage_unavailable"."""
    tally = Tally()
    for row in work.rows():
        tally.add(row)
    page = _page(tally, work, plan, catalogue=catalogue, table=table, now=datetime.now(UTC))
    outputs.write(REPORT, page.encode("utf-8", "replace"))
    return REPORT


def _page(tally: Tally, work: Run, plan: Plan, **named: object) -> str:
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    thumbnails = Thumbnails(plan)
    templates.filters.update(
        count=lambda number: f"{number:,}", short=_short, share=_share_of(tally.rows), detail=_detail
    )
    style = templates.get_template("report.css").render(counts=_counts(tally))
    return templates.get_template("report.html").render(
        style=style,
        style_hash=b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        tally=tally,
        counts=_counts(tally),
        statuses=STATUSES,
        reasons=[_reason(group) for group in tally.groups if group.status != "rendered"],
        accepted=[group for group in tally.groups if group.status == "rendered"],
        catalogue_lines=work.catalogue.lines,
        products=work.catalogue.products,
        poses=[pose.name for pose in work.poses],
        preview=PREVIEW,
        preview_thumbnail=thumbnails.of_output(PREVIEW, PREVIEW_BOX),
        recipe=plan.recipe,
        thumbnail=thumbnails.of,
        most=SAMPLE,
        **named,
    )


def _counts(tally: Tally) -> dict[Status, int]:
    """Every status, the best first."""
    return {status: tally.statuses[status] for status in STATUSES}


def _reason(group: Group) -> dict[str, Any]:
    """What the template needs of a group with a code."""
    text = CODES[group.code].text if group.code in CODES else "No reason that this version knows."
    advice = AGAIN if group.code in CODES and CODES[group.code].retryable else ADVICE.get(group.code, "")
    text, advice = IN_CATALOGUES.get(group.code, (text, advice))
    return {"group": group, "text": text, "advice": advice, "anchor": f"{group.status}-{group.code}"}


def _detail(row: Row) -> str:
    """What exactly went wrong, without the sentence that stands with the reason."""
    general = CODES[row.codes[0]].text if row.codes and row.codes[0] in CODES else ""
    return row.detail.replace(f"{general} ", "", 1)


def _share_of(rows: int) -> Callable[[int], str]:
    """Turns a number of rows into a percentage; what isn't all or nothing never looks like it."""

    def share(count: int) -> str:
        tenths = round(1000 * count / rows) if rows else 0
        if 0 < count < rows:
            tenths = min(max(tenths, 1), 999)
        return f"{tenths / 10:g} %"

    return share


def _short(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
