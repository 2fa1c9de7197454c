"""Reading a catalogue and the photos that it names, from the disk and from the hosts of its URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tryon_service.cli.files import read_photo
from tryon_service.errors import InputError
from tryon_service.fetch.client import Fetcher
from tryon_service.fetch.hosts import Host
from tryon_service.onboarding.catalogue import Card, Catalogue, parse_catalogue

SCHEMES = ("http://", "https://")
FETCH = 20.0
"""Seconds for one photo; nobody waits for it."""
MOST_BYTES = 64 << 20
"""Of a catalogue: far more than a million lines."""


def read_catalogue(path: Path, parse: Callable[[bytes, str], Catalogue] = parse_catalogue) -> Catalogue:
    """Raises InputError for what isn't a readable file, and as parse does."""
    try:
        if path.stat().st_size > MOST_BYTES:
            detail = f"A catalogue has at most {MOST_BYTES / 1e6:.0f} MB."
            raise InputError("too_many_bytes", detail, str(path))
        data = path.read_bytes()
    except OSError as error:
        raise InputError("invalid_option", f"{str(path)!r} can't be read: {error.strerror}.", "catalogue") from error
    return parse(data, path.name)


class PhotoReader:
    """Photos of these cards. folder: that relative paths begin in.

    The catalogue's own word opens the hosts that it names, and no others: not those that they redirect to, nor any
    address in a network of our own.
    """

    def __init__(self, folder: Path, cards: Iterable[Card]) -> None:
        self._folder = folder
        self._fetcher = Fetcher(hosts_of(cards), FETCH)

    def __call__(self, place: str, field: str) -> bytes:
        """place: a path or a URL. Raises InputError and UnavailableError with field."""
        if place.lower().startswith(SCHEMES):
            return self._fetcher.fetch(place, field)
        return read_photo(self._folder / place, field)


def hosts_of(cards: Iterable[Card]) -> tuple[Host, ...]:
    """Of the cards' URLs, each once; URLs without a proper host are left out, and so never fetched."""
    import httpx

    hosts: dict[Host, None] = {}
    for place in (photo for card in cards for photo in card.photos if photo.lower().startswith(SCHEMES)):
        try:
            url = httpx.URL(place)
            hosts[Host.parse(f"{url.scheme}://{url.netloc.decode('ascii')}")] = None
        except (httpx.InvalidURL, UnicodeError, InputError):
            continue
    return tuple(hosts)
