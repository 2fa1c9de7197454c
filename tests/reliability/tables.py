"""The figures as Markdown, written between two comments of a file, such as <!-- faults --> and <!-- /faults -->."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def write(file: Path, name: str, text: str) -> None:
    """Replace what is between the comments of this name. Raises ValueError where the file hasn't both."""
    before, opening, rest = file.read_text().partition(f"<!-- {name} -->\n")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    if not opening or not closing:
        raise ValueError(f"{file} has no <!-- {name} --> and <!-- /{name} -->")
    part = file.with_name(f".{file.name}.part")
    part.write_text(f"{before}{opening}{text}\n{closing}{after}")
    os.replace(part, file)


def soak_table(row: dict[str, Any]) -> str:
    share = round(100 * row["misbehaving"] / max(1, row["calls"] + row["misbehaving"]), 1)
    ms = row["ms"]
    lines = [
        ("load", f"{row['minutes']:g} minutes at {row['load']:.0%} of {row['capacity_per_s']:g} calls a second"),
        ("calls of good clients", f"{row['calls']:,}"),
        ("errors of good clients", _counts(row["errors"])),
        ("misbehaving clients", f"{row['misbehaving']:,} ({share:g} %)"),
        ("p50, p95, p99 of all calls", _three(ms["all"])),
        ("p50, p95, p99 of a picture from a photo", _three(ms["photo"])),
        ("p50, p95, p99 behind a link", _three(ms["listed"])),
        ("memory of all processes", f"{row['memory_mb']:.0f} MB"),
        ("growth of memory", f"{row['slope_mb_per_min']:.2f} MB a minute, standard error {row['slope_error']:.2f}"),
        ("of it, by process", ", ".join(f"{role} {mb:.2f}" for role, mb in row["slope_mb_per_min_of"].items())),
        ("memory, idle before and after", _by_role(row["idle_before"], row["idle_after"])),
        ("descriptors, idle before and after", _both(row, "descriptors")),
        ("threads, idle before and after", _both(row, "threads")),
        ("data folder, warm and at the end", " and ".join(f"{mb:g} MB" for mb in row["data_mb"])),
        ("temporary files left", str(row["idle_after"]["temporary"])),
        ("lost", ", ".join(row["lost"]) or "nothing"),
    ]
    return _table(("", "measured"), lines)


def fault_table(row: dict[str, Any]) -> str:
    heads = ("fault", "what shoppers saw", "first picture", "last failure", "lost")
    return _table(heads, [_fault_line(one) for one in row["faults"]])


def _fault_line(one: dict[str, Any]) -> tuple[str, ...]:
    if one["skipped"]:
        return one["fault"], "; ".join([one["skipped"], *one["problems"]]), "", "", ""
    last = f"{one['errors_until_s']:.1f} s" if one["failed"] else "-"
    lost = "; ".join(one["lost"]) or "nothing"
    seen = "; ".join([_seen(one), *(f"**{problem}**" for problem in one["problems"])])
    return one["fault"], seen, f"{one['first_picture_s']:.1f} s", last, lost


def _seen(one: dict[str, Any]) -> str:
    failed = f"{sum(one['failed'].values())} of {one['calls']} calls failed: {_counts(one['failed'])}"
    seen = failed if one["failed"] else f"nothing: {one['calls']} calls, all right"
    slowest = f"; slowest picture {one['slowest_s']:.1f} s"
    again = f"batch run given {one['batch_given']} times" if one["batch_given"] > 1 else ""
    return "; ".join(filter(None, [f"{seen}{slowest}", one["note"], again]))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"


def _three(ms: dict[str, float]) -> str:
    return ", ".join(f"{ms[name]:.0f} ms" for name in ("p50", "p95", "p99")) if ms else "none"


def _by_role(before: dict[str, Any], after: dict[str, Any]) -> str:
    held = {role or "others": (mb, after["mb_of"].get(role, 0.0)) for role, mb in before["mb_of"].items()}
    parts = ", ".join(f"{role} {first:.0f} and {last:.0f}" for role, (first, last) in held.items())
    return f"{before['mb']} MB and {after['mb']} MB ({parts})"


def _both(row: dict[str, Any], what: str) -> str:
    low, high = row[what] or (0, 0)
    return f"{row['idle_before'][what]} and {row['idle_after'][what]} ({low} to {high} under load)"


def _table(heads: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    rows = [heads, ("---",) * len(heads), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
