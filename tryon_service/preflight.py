"""Can what the settings ask for work on this machine? Looked at before anything is started, made or listened on.

    check(settings, engine=True, gateway=True)    # raises InputError: the setting or file, what is wrong, and the cure

Nothing is left behind, neither by the checks nor by what would have failed half way. What depends on others and may
heal by itself, as a Redis or a bucket that doesn't answer yet, is no matter of the start. A check that is passed is no
promise: who uses the thing later checks again.
"""

from __future__ import annotations

import fcntl
import os
import ssl
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tryon_service.errors import InputError, TryonError
from tryon_service.keyring import SECRETS_FILE, Keyring
from tryon_service.machine_memory import memory_limit
from tryon_service.ports import open_port
from tryon_service.settings import Settings, port_of, variable_of

MB = 1 << 20
WORKER_BASE = 1024 * MB
"""Address space of a warm worker with nothing in its cache: 0.99 GB on 2 CPUs."""
NEVER_RESIDENT = 512 * MB
"""Of that, what is mapped and never filled: a worker of 0.99 GB holds 0.33 GB in RAM."""
ENGINE_BASE, GATEWAY_BASE = 128 * MB, 96 * MB
"""Resident memory of the engine's own process, and of each of the gateway's, of which one looks after the others."""
LONGEST_SOCKET = 107
"""Bytes of a unix socket's path that the kernel takes."""
RENDERERS = ("warp", "warp+refine", "adgan", "patn", "nearest", "pose2image", "pose2image-gan")
"""Names in renderers.base.RENDERERS, which takes long to import."""


def check(settings: Settings, *, engine: bool = False, gateway: bool = False, waits: bool = False) -> None:
    """engine, gateway: which of the two this process is to run; waits: the engine waits for another to end.

    Raises InputError, whatever is wrong, because it is for who starts the service to mend.
    """
    try:
        check_folder(settings.data, "data")
        check_folder(settings.runtime, "runtime")
        check_memory(settings, memory_limit(), engine=engine, gateway=gateway)
        _check_secrets(settings)
        _check_extras(settings)
        _check_certificates(settings)
        if engine:
            _check_engine_address(settings, waits=waits)
            _check_engine_tls(settings)
            _check_metrics_port(settings)
            _check_networks(settings)
        if gateway:
            _check_gateway(settings)
        if engine and gateway:
            _check_ports_differ(settings)
    except InputError:
        raise
    except TryonError as error:
        raise InputError(error.code, error.detail, error.field) from error


def check_folder(folder: Path, name: str) -> None:
    """Can files be made in it, and the folder itself where there is none? name: of the setting. Raises InputError."""
    there = folder
    while not os.path.exists(there) and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        own = "It" if there == folder else str(there)
        detail = f"{folder} can't be written to by user {os.geteuid()}: {own} says {error.strerror}."
        raise _wrong(name, f"{detail} Give it to this user, or set another folder.") from None


def check_memory(settings: Settings, there: int, *, engine: bool, gateway: bool) -> None:
    """Is there enough for what the settings allow at most? there: bytes, 0 for unknown. Raises InputError."""
    if engine and settings.worker_memory < WORKER_BASE + settings.cache_bytes:
        least = WORKER_BASE + settings.cache_bytes
        detail = f"The worker needs {WORKER_BASE} and TRYON_CACHE_BYTES on top; set it to at least {least}."
        raise _wrong("worker_memory", detail)
    most = 0
    if engine:
        most += _worker_resident(settings) + ENGINE_BASE + settings.queue_bytes + settings.picture_cache_bytes
    if gateway:
        most += GATEWAY_BASE + settings.workers * (GATEWAY_BASE + settings.queue_bytes)
    if not there or most <= there:
        return
    name = "worker_memory" if engine and settings.device == "cpu" else "queue_bytes"
    others = "TRYON_QUEUE_BYTES, TRYON_PICTURE_CACHE_BYTES" if engine else "TRYON_WORKERS"
    detail = f"These settings may take {_mb(most)}, and there are {_mb(there)} for this process."
    cure = f"Lower it by {_mb(most - there)}, or {others} with it, or raise the limit."
    raise _wrong(name, f"{detail} {cure}")


def _worker_resident(settings: Settings) -> int:
    """Most that the worker holds in RAM. GPUs map far more address space than there is memory."""
    on_cpu = settings.worker_memory if settings.device == "cpu" else WORKER_BASE + settings.cache_bytes
    return on_cpu - NEVER_RESIDENT


def _check_secrets(settings: Settings) -> None:
    file = settings.data / SECRETS_FILE
    if settings.secrets or file.exists():
        Keyring.load(settings)


def _check_extras(settings: Settings) -> None:
    """Packages that settings need and that come with extras; nothing is imported."""
    for name, needed, package, extra in (
        ("redis_url", bool(settings.redis_url), "redis", "scale"),
        ("index_url", bool(settings.index_url), "redis", "scale"),
        ("store_url", bool(settings.store_url), "fsspec", "scale"),
        ("otlp_endpoint", bool(settings.otlp_endpoint), "opentelemetry", "otel"),
        ("matter", settings.matter.startswith("rembg"), "rembg", "rembg"),
        ("matter", settings.matter == "sam", "segment_anything", "sam"),
        ("pose", settings.pose == "keypoint-rcnn", "detectron2", "detectron2"),
        ("device", settings.device != "cpu", "torch", "neural"),
    ):
        if needed and find_spec(package) is None:
            raise _wrong(name, f"It needs the package {package}: pip install 'tryon-service[{extra}]'.")
    if settings.store_url:
        from tryon_service.products.objects import Objects

        Objects(settings.store_url)


def _check_engine_address(settings: Settings, *, waits: bool) -> None:
    address = settings.engine_address
    if address.startswith("dns:"):
        raise _wrong("engine", f"{address} is for callers; the engine listens on host:port or unix:/path.")
    if address.startswith("unix:"):
        _check_socket(Path(address.removeprefix("unix:")), "engine" if settings.engine else "runtime", waits=waits)
    elif not waits and port_of(address):
        host = address.rpartition(":")[0].strip("[]")
        try:
            open_port(host, port_of(address)).close()
        except InputError as error:
            raise _wrong("engine", error.detail.replace("another port", "another address")) from None


def _check_socket(path: Path, name: str, *, waits: bool) -> None:
    """Short enough, in a folder of one's own, and with no other engine behind it."""
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        detail = f"The socket's path {path} has more than {LONGEST_SOCKET} bytes; set a shorter one."
        raise _wrong(name, detail)
    check_folder(path.parent, name)
    if path.parent.exists():
        state = path.parent.stat()
        if state.st_uid != os.geteuid() or state.st_mode & 0o077:
            detail = f"The socket's folder {path.parent} has to be this user's alone: chmod 700, or set another."
            raise _wrong(name, detail)
    try:
        with open(f"{path}.lock", "rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not waits:
            detail = f"Another engine already listens at unix:{path}; stop it, or set another address."
            raise _wrong("engine", detail) from None
    except FileNotFoundError:
        pass


def _check_engine_tls(settings: Settings) -> None:
    if settings.engine_ca and not settings.engine_cert:
        raise _wrong("engine_cert", "Callers can't be checked without TLS of the engine's own; set it and its key.")


def _check_certificates(settings: Settings) -> None:
    """Are the files there, in PEM, and the key that of the certificate?"""
    for name in ("engine_cert", "engine_key", "engine_ca"):
        file = getattr(settings, name)
        try:
            if file:
                Path(file).read_bytes()
        except OSError as error:
            raise _wrong(name, f"{file} can't be read: {error.strerror}. Mount it, or correct the path.") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        if settings.engine_cert:
            # A key with a password would have it asked for in the terminal.
            context.load_cert_chain(settings.engine_cert, settings.engine_key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        key, cert = settings.engine_key, settings.engine_cert
        fault = f"{key} and {cert} are not both PEM without a password"
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            fault = f"{key} is not the key of {cert}"
        raise _wrong("engine_key", f"{fault}; put the two of one pair there.") from None
    try:
        if settings.engine_ca:
            context.load_verify_locations(settings.engine_ca)
    except ssl.SSLError:
        detail = f"{settings.engine_ca} holds no certificate in PEM; put the authority's there."
        raise _wrong("engine_ca", detail) from None


def _check_metrics_port(settings: Settings) -> None:
    if not settings.engine_metrics_port:
        return
    try:
        open_port(settings.engine_metrics_host, settings.engine_metrics_port).close()
    except InputError as error:
        raise _wrong("engine_metrics_port", error.detail) from None


def _check_ports_differ(settings: Settings) -> None:
    ports = [settings.port, settings.engine_metrics_port, port_of(settings.engine_address)]
    taken = [port for port in ports if port]
    if len(set(taken)) < len(taken):
        raise _wrong("port", "Gateway, engine and the engine's metrics need ports of their own; set others.")


def _check_networks(settings: Settings) -> None:
    """Every network whose file is there: any call may ask for any renderer. What is absent is fetched later, or done
    without. Takes 1.3 s for each GB."""
    from tryon_service.perception import backends
    from tryon_service.zoo.store import Store

    known = {
        "renderer": RENDERERS,
        "pose": backends.POSE.names(),
        "matter": backends.MATTER.names(),
        "parser": backends.PARSER.names(),
    }
    for name, choices in known.items():
        if (chosen := getattr(settings, name)) not in choices:
            raise _wrong(name, f"{chosen!r} is not one of {', '.join(choices)}.")
    store = Store()
    for name in store.manifest.networks:
        try:
            store.verify(name)
        except TryonError as error:
            if error.code != "network_missing":
                raise


def _check_gateway(settings: Settings) -> None:
    if settings.engine_cert and not settings.engine_ca:
        raise _wrong("engine_ca", "An engine with TLS is reached only with the authority of its certificate; set it.")
    from limits import parse_many

    for name in ("rate_key", "rate_token", "rate_address"):
        try:
            parse_many(getattr(settings, name))
        except ValueError:
            raise _wrong(name, "A limit looks like '600 per minute' or '10/second'.") from None
    if settings.remote_hosts:
        from tryon_service.fetch.hosts import parse_hosts

        parse_hosts(settings.remote_hosts)


def _mb(size: int) -> str:
    return f"{size / MB:.0f} MB"


def _wrong(name: str, detail: str) -> InputError:
    """Of the setting of this name."""
    return InputError("invalid_option", detail, variable_of(name))
