"""The page of a suite: its note as prose, nothing of it as markup."""

from __future__ import annotations

from tryon_service.evaluation.base import Findings
from tryon_service.evaluation.page import page


def test_the_note_is_in_paragraphs_and_stays_text() -> None:
    written = page("suite", Findings({}, "How it was\nmeasured.\n\nWith <b> & care.", ()))
    assert "<p>How it was measured.</p><p>With &lt;b&gt; &amp; care.</p>" in written
