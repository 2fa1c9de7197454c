"""Which engine does the work of a run, and what each may be told.

options = EngineOptions(engine="ray", workers=2)
options.check()                                            # before any work
with open_engine(options, plan, ledger, sources) as engine:
    run.render(engine, progress, stop)
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tryon_service.batch.ledger import Ledger
from tryon_service.batch.run import Engine
from tryon_service.batch.worker import ITEM_TIMEOUT, Plan
from tryon_service.errors import InputError
from tryon_service.settings import load

if TYPE_CHECKING:
    from tryon_service.client import Client

EngineName = Literal["local", "ray", "server"]

AT_A_TIME = 2
"""Products that a service is asked for unless told otherwise: one is rendered while another's photos travel."""
_TAKEN_BY: Mapping[str, tuple[EngineName, ...]] = {
    "threads": ("local", "ray"),
    "address": ("ray",),
    "gpus": ("ray",),
    "api_key_file": ("server",),
}
"""Options that not every engine takes."""
_CALLED: Mapping[EngineName, str] = {"local": "--engine local", "ray": "--engine ray", "server": "--server"}


@dataclass(frozen=True)
class EngineOptions:
    """As somebody has given them; None for what was not given.

    server: URL of a service that does the work, instead of an engine here; workers: processes, or products that the
    service is asked for at a time; threads: CPUs of a worker; item_timeout: seconds for a picture; address: of a Ray
    cluster; gpus: of a worker, a share of one or a whole number; api_key_file: instead of TRYON_API_KEY.
    """

    engine: Literal["local", "ray"] | None = None
    server: str | None = None
    workers: int | None = None
    threads: int | None = None
    item_timeout: float = ITEM_TIMEOUT
    address: str | None = None
    gpus: float | None = None
    api_key_file: Path | None = None

    @property
    def name(self) -> EngineName:
        return "server" if self.server is not None else self.engine or "local"

    def check(self) -> None:
        """Raises InputError for options that don't go together, a missing extra, and a service that can't be called."""
        if self.server is not None and self.engine is not None:
            detail = f"The service does the work; leave out --engine {self.engine}."
            raise InputError("invalid_option", detail, "--server")
        for option, engines in _TAKEN_BY.items():
            if getattr(self, option) is not None and self.name not in engines:
                takers = " and ".join(_CALLED[name] for name in engines)
                detail = f"It goes with {takers}, not with {_CALLED[self.name]}."
                raise InputError("invalid_option", detail, f"--{option.replace('_', '-')}")
        if self.name == "ray" and find_spec("ray") is None:
            detail = "Ray needs the batch extra: pip install 'tryon-service[batch]'."
            raise InputError("invalid_option", detail, "--engine")
        if self.name == "server":
            self.connect().close()

    def connect(self) -> Client:
        """A client of the service. Raises InputError."""
        from tryon_service.client import Client

        key = load().api_key if self.api_key_file is None else _read_key(self.api_key_file)
        if not key:
            detail = "A service wants a key with the scopes render and products: in TRYON_API_KEY or --api-key-file."
            raise InputError("missing_field", detail, "--server")
        try:
            return Client(self.server or "", key, timeout=self.item_timeout)
        except InputError as error:
            of_key = "--api-key-file" if self.api_key_file else "TRYON_API_KEY"
            field = "--server" if error.field == "base_url" else of_key
            raise InputError(error.code, error.detail, field) from error


@contextlib.contextmanager
def open_engine(options: EngineOptions, plan: Plan, ledger: Ledger, sources: Mapping[str, str]) -> Iterator[Engine]:
    """options: checked ones; plan: of whatever threads, since they are the options' business; sources: names of house
    poses and paths of photos, by pose, for a service. Raises InputError."""
    if options.name == "server":
        from tryon_service.batch.remote import ServicePool

        with options.connect() as client:
            pool = ServicePool(plan, ledger, client=client, sources=sources, workers=options.workers or AT_A_TIME)
            yield pool.render
    elif options.name == "ray" and options.address:
        yield _on_ray(options, replace(plan, threads=options.threads or 1), ledger, options.workers)
    else:
        workers, threads = share(os.cpu_count() or 1, options.workers, options.threads)
        plan = replace(plan, threads=threads)
        if options.name == "ray":
            yield _on_ray(options, plan, ledger, workers)
        else:
            from tryon_service.batch.local import LocalPool

            yield LocalPool(plan, ledger, workers=workers, item_timeout=options.item_timeout).render


def _on_ray(options: EngineOptions, plan: Plan, ledger: Ledger, workers: int | None) -> Engine:
    from tryon_service.batch.ray_run import RayPool

    address, gpus = options.address or "", options.gpus or 0.0
    pool = RayPool(plan, ledger, workers=workers, address=address, gpus=gpus, item_timeout=options.item_timeout)
    return pool.render


def share(cpus: int, workers: int | None, threads: int | None) -> tuple[int, int]:
    """(workers, threads of each), at least 1 each: as given, or so that they share the CPUs, with as many workers as
    there is room for."""
    workers = workers or max(cpus // (threads or 1), 1)
    return workers, threads or max(cpus // workers, 1)


def _read_key(path: Path) -> str:
    """Raises InputError."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        detail = f"{str(path)!r} can't be read: {getattr(error, 'strerror', None) or 'it is no text'}."
        raise InputError("invalid_option", detail, "--api-key-file") from error
