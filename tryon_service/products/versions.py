"""What is kept has a version, so that no release writes into something that it doesn't understand."""

from __future__ import annotations


class NewerVersionError(Exception):
    """What is kept was written by a later release. found, known: its version, and the newest that this one reads."""

    def __init__(self, what: str, found: int, known: int) -> None:
        super().__init__(
            f"{what} was written by a later release: it is of version {found}, this release reads up to {known}. "
            "Install that release, or go back to a copy from before the upgrade."
        )
        self.found, self.known = found, known
