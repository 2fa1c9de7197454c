"""Every setting of the service: a default, an environment variable TRYON_..., a check and a line of help.

    settings = load()            # defaults, overridden by the environment, validated
    for row in rows(settings):   # name, variable, value (secrets starred), help

Nothing here acts on import, and nothing else in the package reads the environment for settings.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from tryon_service.errors import InputError

PREFIX = "TRYON_"
STARS = "********"
MB = 1 << 20

Value = str | int | float | Path | tuple[str, ...]


def _about(text: str, least: float | None = None, most: float | None = None, *, secret: bool = False) -> dict[str, Any]:
    """What is known of a setting. least, most: bounds of a number, both included; secret: starred wherever shown."""
    return {"help": text, "least": least, "most": most, "secret": secret}


def _data_folder() -> Path:
    return user_data_path("tryon", ensure_exists=False)


@dataclass(frozen=True)
class Settings:
    """See the module's docstring. Times are seconds, sizes bytes, lists are separated by commas."""

    # Where things are.
    data: Path = field(
        default_factory=_data_folder, metadata=_about("folder for products, keys and secrets; private to the service")
    )
    runtime: Path = field(
        default=Path(), metadata=_about("folder for the engine's socket and metrics files; empty for data/run")
    )
    host: str = field(default="127.0.0.1", metadata=_about("address that the gateway listens on"))
    port: int = field(default=8080, metadata=_about("port that the gateway listens on; 0 for a free one", 0, 65535))
    public_url: str = field(
        default="", metadata=_about("URL under which browsers reach the gateway; needed behind a proxy")
    )

    # Gateway.
    workers: int = field(default=1, metadata=_about("gateway processes; more than one needs redis_url", 1, 64))
    threads: int = field(default=16, metadata=_about("threads of each gateway process", 1, 256))
    render_timeout: float = field(default=30.0, metadata=_about("longest time for one call", 0.1, 600.0))
    drain: float = field(default=25.0, metadata=_about("time for calls in flight when stopping", 0.0, 600.0))
    cors_origins: tuple[str, ...] = field(
        default=(), metadata=_about("origins that browsers may call from with a widget token")
    )
    trusted_proxies: int = field(default=0, metadata=_about("proxies in front whose X-Forwarded-For is believed", 0, 8))

    # Engine.
    engine: str = field(
        default="",
        metadata=_about("address of the engine, unix:/path or host:port; empty for a socket in the runtime folder"),
    )
    engine_cert: str = field(default="", metadata=_about("file with the engine's certificate, for TLS over TCP"))
    engine_key: str = field(default="", metadata=_about("file with the private key of engine_cert", secret=True))
    engine_ca: str = field(
        default="", metadata=_about("file with the authority that the other side's certificate must come from (mTLS)")
    )
    engine_metrics_port: int = field(
        default=0, metadata=_about("port for the engine's own metrics on this machine; 0 for none", 0, 65535)
    )
    renderer: str = field(
        default="warp+refine",
        metadata=_about("what makes a picture unless a call names another; warp where the weights of this are missing"),
    )
    device: str = field(default="cpu", metadata=_about("device of the engine's worker"))
    queue_items: int = field(default=32, metadata=_about("calls that may wait in the engine", 1, 1000))
    queue_bytes: int = field(
        default=256 * MB, metadata=_about("bytes of calls that may wait in the engine", MB, 64 << 30)
    )
    batch_share: float = field(
        default=0.2, metadata=_about("share of the engine that batch calls keep when shoppers wait", 0.0, 0.9)
    )
    item_timeout: float = field(
        default=20.0, metadata=_about("time after which a call in the worker counts as hung", 0.1, 600.0)
    )
    worker_memory: int = field(
        default=2048 * MB, metadata=_about("address space of the worker beyond which it is restarted", 512 * MB)
    )
    cache_bytes: int = field(default=256 * MB, metadata=_about("memory for analysed products", 0))
    cache_folder_bytes: int = field(default=2048 * MB, metadata=_about("disk for analysed products, 0 for none", 0))
    picture_cache_bytes: int = field(
        default=128 * MB, metadata=_about("memory for finished pictures of products in house poses, 0 for none", 0)
    )

    # Products.
    store_url: str = field(
        default="",
        metadata=_about("fsspec URL for product photos (s3://bucket/prefix); empty for the data folder", secret=True),
    )
    index_url: str = field(
        default="", metadata=_about("redis:// URL of the products' index; needed with store_url", secret=True)
    )

    # Access.
    redis_url: str = field(
        default="", metadata=_about("redis:// URL for rate limits and use counts of many gateways", secret=True)
    )
    secrets: str = field(
        default="",
        metadata=_about(
            "keys for pose tokens and signed URLs, id:base64, newest first; empty for the data folder's", secret=True
        ),
    )
    rate_key: str = field(default="600 per minute", metadata=_about("calls of one API key"))
    rate_token: str = field(default="60 per minute", metadata=_about("calls of one widget token"))
    rate_address: str = field(default="300 per minute", metadata=_about("calls from one address"))

    # Calling a service.
    url: str = field(
        default="", metadata=_about("URL of the service that the command products calls; empty for this machine's")
    )
    api_key: str = field(default="", metadata=_about("API key that the command products calls with", secret=True))

    # Photos from elsewhere.
    remote_hosts: tuple[str, ...] = field(
        default=(), metadata=_about("hosts that product photos may be fetched from; empty for none")
    )
    remote_timeout: float = field(default=5.0, metadata=_about("time for fetching one photo", 0.1, 60.0))

    # Logs and traces.
    log_level: str = field(default="info", metadata=_about("debug, info, warning or error"))
    otlp_endpoint: str = field(
        default="", metadata=_about("OpenTelemetry collector to send traces to; needs the otel extra")
    )

    def __post_init__(self) -> None:
        if self.runtime == Path():
            object.__setattr__(self, "runtime", self.data / "run")

    @property
    def engine_address(self) -> str:
        """unix:/path or host:port."""
        return self.engine or f"unix:{self.runtime / 'engine.sock'}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Defaults, overridden by TRYON_<NAME>, checked. Raises InputError("invalid_option") naming the variable."""
    environ = os.environ if environ is None else environ
    known = {PREFIX + one.name.upper(): one for one in fields(Settings)}
    values: dict[str, Any] = {}
    for variable, one in known.items():
        if variable in environ:
            values[one.name] = _parsed(variable, environ[variable], _type_of(one.name), one.metadata)
    settings = Settings(**values)
    _check(settings)
    return settings


def rows(settings: Settings) -> list[tuple[str, str, str, str]]:
    """(name, variable, value, help) of every setting; secrets that are set are starred."""
    out = []
    for one in fields(settings):
        value = getattr(settings, one.name)
        shown = ",".join(value) if isinstance(value, tuple) else str(value)
        hidden = STARS if one.metadata["secret"] and shown else shown
        out.append((one.name, PREFIX + one.name.upper(), hidden, str(one.metadata["help"])))
    return out


def _type_of(name: str) -> str:
    return str(Settings.__annotations__[name])


def _parsed(variable: str, text: str, kind: str, metadata: Mapping[str, Any]) -> Value:
    text = text.strip()
    if kind == "Path":
        return Path(text)
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind == "str":
        return text
    try:
        value = int(text) if kind == "int" else float(text)
    except ValueError:
        raise InputError("invalid_option", f"{text!r} is not a number.", variable) from None
    least, most = metadata["least"], metadata["most"]
    if (least is not None and value < least) or (most is not None and value > most) or math.isnan(value):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InputError("invalid_option", f"{text} is not {bounds}.", variable)
    return value


def _check(settings: Settings) -> None:
    """What no setting can say alone."""
    if settings.workers > 1 and not settings.redis_url:
        raise InputError(
            "invalid_option",
            f"{settings.workers} gateway processes can't share their limits without TRYON_REDIS_URL; use 1.",
            "TRYON_WORKERS",
        )
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise InputError("invalid_option", f"{settings.log_level!r} is no level.", "TRYON_LOG_LEVEL")
    if bool(settings.engine_cert) != bool(settings.engine_key):
        raise InputError("invalid_option", "A certificate and its key go together.", "TRYON_ENGINE_CERT")
    if settings.store_url and not settings.index_url:
        raise InputError("invalid_option", "Photos elsewhere need an index elsewhere.", "TRYON_INDEX_URL")
