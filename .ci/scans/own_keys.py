"""For detect-secrets: the credentials that this service itself hands out."""

from __future__ import annotations

import re

from detect_secrets.plugins.base import RegexBasedDetector


class TryonKeyDetector(RegexBasedDetector):
    """API keys, widget tokens and the service's own secrets as they are written."""

    secret_type = "Key of this service"  # noqa: S105 - a name
    denylist = (
        re.compile(r"tryon_[0-9a-f]{12}_[A-Za-z0-9_-]{43}"),
        re.compile(r"tryonw\.[A-Za-z0-9_-]{80,}"),
        re.compile(r"\b[0-9a-f]{8}:[A-Za-z0-9+/]{43}="),
    )
