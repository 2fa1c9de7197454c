"""Looks: which attribute comes from whom. A photo lends only what it shows."""

from __future__ import annotations

from tryon_service.appearance.labels import ADGAN, to_adgan
from tryon_service.errors import RefusedError
from tryon_service.types import Person, Reason

ATTRIBUTES = tuple(name for name in ADGAN if name != "background")
"""What may come from somebody else."""
LEAST = 0.005
"""Share of a person that an attribute must cover to be shown; less is the parser's noise."""


def check_shown(person: Person, attribute: str, photo: str) -> None:
    """Raises RefusedError naming photo and attribute unless the person shows it. attribute: one of ATTRIBUTES."""
    shown = int((to_adgan()[person.parsing] == list(ADGAN).index(attribute)).sum())
    share = shown / max(int((person.parsing > 0).sum()), 1)
    if share < LEAST:
        raise RefusedError([Reason("garment_not_visible", photo, attribute, share, LEAST)])
