"""The words of the card and the dialog: English and Russian alike, for every code of the service, none left over."""

from __future__ import annotations

import json
import re

import pytest
from real_service import ROOT

from tryon_service.errors import CODES
from tryon_service.perception.skeletons import LIMBS

SOURCES = ROOT / "tryon_service" / "widget" / "src"
GENERAL = {
    "missing_field", "invalid_option", "invalid_signature", "blocked_url", "not_found", "method_not_allowed",
    "not_acceptable", "unsupported_media_type", "conflict", "fetch_failed", "storage_full", "network_missing",
    "network_mismatch",
}  # fmt: skip
"""Codes that say nothing to a shopper: error.internal stands in for them."""


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, str]]:
    return {lang: json.loads((SOURCES / "texts" / f"{lang}.json").read_text("utf-8")) for lang in ("en", "ru")}


def test_both_languages_say_the_same_things(tables: dict[str, dict[str, str]]) -> None:
    english, russian = tables["en"], tables["ru"]
    assert list(english) == list(russian), "the same keys in the same order"
    for key, words in english.items():
        assert words.strip(), key
        alike = russian[key] == words and re.search(r"[a-z]", re.sub(r"{\w+}", "", words))
        assert not alike, f"{key} stands in English among the Russian words"
        assert sorted(re.findall(r"{\w+}", words)) == sorted(re.findall(r"{\w+}", russian[key])), key


def test_every_code_has_words_or_none_on_purpose(tables: dict[str, dict[str, str]]) -> None:
    english = tables["en"]
    silent = {code for code in CODES if f"refusal.{code}" not in english and f"error.{code}" not in english}
    assert silent == GENERAL


def test_every_part_of_the_body_has_a_word(tables: dict[str, dict[str, str]]) -> None:
    source = (SOURCES / "flow" / "advice.ts").read_text("utf-8")
    zones = re.findall(r'\[/(\S+)/, "(\w+)"\]', source)
    assert len(zones) >= 8
    joints = {joint.name.lower() for bone in LIMBS.values() for joint in bone}
    for part in {"torso", *LIMBS, *joints}:
        zone = next((name for ending, name in zones if re.search(ending, part)), None)
        assert f"joint.{zone}" in tables["en"], part


def test_no_words_are_left_over(tables: dict[str, dict[str, str]]) -> None:
    code = "".join(path.read_text("utf-8") for path in [*SOURCES.glob("*.ts"), *(SOURCES / "flow").glob("*.ts")])
    made = ("refusal.", "error.", "joint.", "camera.", "failure.", "pose.view.", "result.background.")
    unused = [key for key in tables["en"] if f'"{key}"' not in code and not key.startswith(made)]
    assert unused == []
