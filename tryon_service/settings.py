"""Every setting of the service: a default, an environment variable TRYON_..., a check and a line of help.

    settings = load()            # defaults, overridden by the environment, validated
    for row in rows(settings):   # name, variable, value (secrets starred), help

A variable that is empty counts as not set. A secret may come from a file, as containers have theirs: TRYON_SECRETS_FILE
names one for TRYON_SECRETS, and so for every secret. A variable TRYON_... that nobody reads is an error, since it is
most likely misspelt. What needs a look at this machine is checked in preflight.py.

Nothing here acts on import, and nothing else in the package reads the environment for settings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from tryon_service import environment
from tryon_service.environment import FILE_SUFFIX
from tryon_service.errors import InputError

PREFIX = "TRYON_"
STARS = "********"
MB = 1 << 20

OTHER_VARIABLES = {
    "TRYON_ZOO_DIR": "folder of the networks' files; default: one in the user's cache folder",
    "TRYON_ZOO_MIRROR": "folder or fsspec URL that networks are fetched from, instead of the package index",
    "TRYON_CACHE_DIR": "folder for analysed photos of the commands render, check and batch",
    "TRYON_KEY": "an API key in the examples for pages of shops",
}
"""Variables that are read elsewhere, and are no settings of the service."""

REDIS_URL = re.compile(r"(rediss?|unix)://.+")
WEB_URL = re.compile(r"https?://[^\s/]+")
ORIGIN = re.compile(r"https?://[^\s/?#]*[^\s/?#:]")
ENGINE = re.compile(r"unix:.+|(dns:///)?([\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")


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
    drain: float = field(
        default=35.0,
        metadata=_about("time for calls in flight when stopping; what takes longer is cut off", 0.0, 600.0),
    )
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
    engine_key: str = field(default="", metadata=_about("file with the private key of engine_cert"))
    engine_ca: str = field(
        default="", metadata=_about("file with the authority that the other side's certificate must come from (mTLS)")
    )
    engine_metrics_host: str = field(
        default="127.0.0.1", metadata=_about("address that the engine's metrics are served on")
    )
    engine_metrics_port: int = field(
        default=0, metadata=_about("port for the engine's own metrics; 0 for none", 0, 65535)
    )
    renderer: str = field(
        default="warp+refine",
        metadata=_about("what makes a picture unless a call names another; warp where the weights of this are missing"),
    )
    pose: str = field(default="blazepose", metadata=_about("what finds joints: blazepose, keypoint-rcnn"))
    matter: str = field(
        default="guided", metadata=_about("what cuts people out: guided, or one of the plug-ins, such as rembg or sam")
    )
    parser: str = field(default="network", metadata=_about("what tells garments and limbs apart: network, skeleton"))
    device: str = field(default="cpu", metadata=_about("device of generators and torch plug-ins: cpu, cuda, cuda:1"))
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
    """Defaults, overridden by TRYON_<NAME> and, for secrets, by the file that TRYON_<NAME>_FILE names; checked.

    Raises InputError("invalid_option") naming the variable, and never showing a secret.
    """
    environ = os.environ if environ is None else environ
    environment.check_names(environ, PREFIX, {*variables(), *OTHER_VARIABLES})
    values: dict[str, Any] = {}
    for one in fields(Settings):
        variable = variable_of(one.name)
        text = environ.get(variable, "").strip()
        if one.metadata["secret"]:
            text = environment.secret(variable, text, environ.get(variable + FILE_SUFFIX, "").strip())
        if text:
            least, most = one.metadata["least"], one.metadata["most"]
            values[one.name] = environment.parsed(variable, text, _type_of(one.name), least, most)
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
        out.append((one.name, variable_of(one.name), hidden, str(one.metadata["help"])))
    return out


def variable_of(name: str) -> str:
    """Of the setting of this name."""
    return PREFIX + name.upper()


def port_of(address: str) -> int:
    """Of the engine's address, 0 for a unix socket."""
    return 0 if address.startswith("unix:") else int(address.rpartition(":")[2])


def variables() -> tuple[str, ...]:
    """Every variable that a setting is read from."""
    own = [variable_of(one.name) for one in fields(Settings)]
    return (*own, *(variable_of(one.name) + FILE_SUFFIX for one in fields(Settings) if one.metadata["secret"]))


def _type_of(name: str) -> str:
    return str(Settings.__annotations__[name])


def _check(settings: Settings) -> None:
    """What no setting can say alone, and what a text has to look like."""
    if settings.workers > 1 and not settings.redis_url:
        detail = f"{settings.workers} gateway processes can't share their limits without TRYON_REDIS_URL; use 1."
        raise _wrong("workers", detail)
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise _wrong("log_level", f"{settings.log_level!r} is no level; use debug, info, warning or error.")
    if bool(settings.engine_cert) != bool(settings.engine_key):
        missing = "engine_key" if settings.engine_cert else "engine_cert"
        raise _wrong(missing, "A certificate and its key go together; set both, or neither.")
    if settings.store_url and not settings.index_url:
        raise _wrong("index_url", "Photos elsewhere need an index elsewhere; set it with TRYON_STORE_URL.")
    if settings.index_url and not settings.store_url:
        raise _wrong("store_url", "An index elsewhere needs photos elsewhere; set it with TRYON_INDEX_URL.")
    for name in ("redis_url", "index_url"):
        if not REDIS_URL.match(getattr(settings, name) or "redis://host"):
            raise _wrong(name, "It is not a redis://, rediss:// or unix:// URL.")
    if settings.public_url and not WEB_URL.match(settings.public_url):
        raise _wrong("public_url", f"{settings.public_url!r} is no URL such as https://tryon.example.")
    for origin in settings.cors_origins:
        if not ORIGIN.fullmatch(origin):
            detail = f"{origin!r} is no origin such as https://shop.example, without a path or a / at its end."
            raise _wrong("cors_origins", detail)
    if not ENGINE.fullmatch(settings.engine_address) or port_of(settings.engine_address) > 65535:
        raise _wrong("engine", f"{settings.engine!r} is no address such as unix:/run/tryon/engine.sock or host:50051.")
    if settings.engine_address.startswith("unix:") and (settings.engine_cert or settings.engine_ca):
        name = "engine_cert" if settings.engine_cert else "engine_ca"
        raise _wrong(name, "TLS is for TCP; set TRYON_ENGINE to host:port, or leave the certificates out.")


def _wrong(name: str, detail: str) -> InputError:
    """Of the setting of this name."""
    return InputError("invalid_option", detail, variable_of(name))
