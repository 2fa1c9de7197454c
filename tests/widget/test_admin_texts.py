"""The words of the admin page: English and Russian alike, and for everything that the service may say."""

from __future__ import annotations

import json
import re

import pytest
from real_service import ROOT

from tryon_service.errors import CODES
from tryon_service.onboarding.advice import ADVICE
from tryon_service.perception.skeletons import LIMBS
from tryon_service.poses.house import names
from tryon_service.quality.table import CODES as MEASURES

SOURCES = ROOT / "tryon_service" / "widget" / "src" / "admin"
BY_NAME = ("reason", "advice", "own", "error", "pose", "score", "part", "view", "key.scope", "mark", "photos", "trial")
"""Groups of keys that are made of what the service names."""
ELSEWHERE = {"fetch_failed", "blocked_url"}
"""Codes of photos by URL, which this page doesn't take."""


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, str]]:
    return {lang: json.loads((SOURCES / "texts" / f"{lang}.json").read_text("utf-8")) for lang in ("en", "ru")}


def test_both_languages_say_the_same_things(tables: dict[str, dict[str, str]]) -> None:
    english, russian = tables["en"], tables["ru"]
    assert list(english) == list(russian), "the same keys in the same order"
    for key, words in english.items():
        assert words, key
        assert sorted(re.findall(r"{\w+}", words)) == sorted(re.findall(r"{\w+}", russian[key])), key
    untranslated = {key for key in english if english[key] == russian[key]}
    assert untranslated == set(), "these stand in English among the Russian words"


def test_every_code_has_words(tables: dict[str, dict[str, str]]) -> None:
    english = tables["en"]
    assert [code for code in CODES if f"reason.{code}" not in english and f"error.{code}" not in english] == []
    named = {key.split(".", 1)[1] for key in english if key.startswith(("reason.", "error.", "advice.", "own."))}
    assert named - set(CODES) == {"measured", "photo", "offline", "id"}, "codes that the service hasn't"


def test_what_to_do_about_a_photo_is_said_for_the_same_codes_as_by_the_service(
    tables: dict[str, dict[str, str]],
) -> None:
    advised = {key.removeprefix("advice.") for key in tables["en"] if key.startswith("advice.")}
    assert advised == set(ADVICE) - ELSEWHERE


def test_poses_measures_and_limbs_have_names(tables: dict[str, dict[str, str]]) -> None:
    english = tables["en"]
    assert {f"pose.{name}" for name in names()} <= set(english)
    assert {f"score.{name}" for name in (*MEASURES, "quality", "whole")} <= set(english)
    assert {f"part.{name}" for name in LIMBS} <= set(english)


def test_no_words_are_left_over(tables: dict[str, dict[str, str]]) -> None:
    code = "".join(path.read_text("utf-8") for path in SOURCES.glob("*.ts"))
    unused = [key for key in tables["en"] if f'"{key}"' not in code and not key.startswith(BY_NAME)]
    assert unused == []
