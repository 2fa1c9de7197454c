"""`tryon demo --shop`: a service and a small shop with the widget on its pages, both on this machine, until Ctrl-C.

Everything lies in a folder of its own that goes when the shop closes, unless --data names one to keep.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tryon_service.cli.catalogue_files import PhotoReader, read_catalogue
from tryon_service.cli.demo_service import HOST, ServiceProcess, listen
from tryon_service.cli.files import make_folder
from tryon_service.cli.products import TIMEOUT, account

if TYPE_CHECKING:
    from tryon_service.client import Client
    from tryon_service.onboarding.catalogue import Catalogue
    from tryon_service.onboarding.sync import Synced
    from tryon_service.shop.catalogue import Item

OPTIONS = ("catalogue", "port", "service_port", "data")
"""Those that mean something with --shop alone."""
PORT, SERVICE_PORT = 8000, 8080
STORE = "demo-shop"
SCOPES, STAFF_SCOPES = ("render", "products"), ("render", "products", "admin")
"""Of the key that the shop works with, and of the one for those who look after its products."""
KEY_LIFE = 7 * 86400.0
"""Seconds that the keys are valid, should nobody be left to revoke them."""
QUICK = 8.0
"""Seconds for a token: a page waits for it."""
TICK = 0.2
"""Seconds between two looks at the service."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shop", action="store_true", help="open a demo shop instead, with the widget on its pages")
    shop = parser.add_argument_group("with --shop")
    shop.add_argument("--catalogue", type=Path, metavar="CSV", help="what the shop sells; default: drawn figures")
    shop.add_argument("--port", type=int, help=f"port of the shop, 0 for a free one; default: {PORT}")
    shop.add_argument("--service-port", type=int, help=f"port of the service; default: {SERVICE_PORT}")
    shop.add_argument("--data", type=Path, metavar="DIR", help="keep the service's data here; default: kept nowhere")


def run(args: argparse.Namespace) -> int:
    """Raises TryonError where the shop can't be opened or its service ends, KeyboardInterrupt if told to stop before
    it is open."""
    from tryon_service.shop.app import Shop, create_app
    from tryon_service.shop.catalogue import parse_shop_catalogue
    from tryon_service.shop.drawn import draw_catalogue
    from tryon_service.shop.server import serving

    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        port = stack.enter_context(listen(PORT if args.port is None else args.port, "--port"))
        with listen(SERVICE_PORT if args.service_port is None else args.service_port, "--service-port") as probe:
            service_port = probe.getsockname()[1]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tryon-")))
        pictures = folder / "pictures"
        pictures.mkdir()
        data = args.data or folder / "data"
        make_folder(data, "--data")
        origin = f"http://{HOST}:{port.getsockname()[1]}"
        service = stack.enter_context(ServiceProcess(data, folder, service_port, origin, quiet=not args.verbose))
        file = args.catalogue or draw_catalogue(folder / "drawn")  # while the service starts
        catalogue = read_catalogue(file, parse_shop_catalogue)
        reader = PhotoReader(file.parent, catalogue.cards)
        client, staff_key = stack.enter_context(_at_the_counter(service, data))
        shop = Shop(_stocked(catalogue, reader, client, pictures), pictures, origin, service.url)
        stack.enter_context(serving(create_app(shop, client.with_options(timeout=QUICK)), port))
        print(f"The shop is open at {origin} (Ctrl-C closes it); the service is at {service.url}.")
        print(f"Its admin page, {service.url}/admin, takes the key {staff_key}", flush=True)
        return _until_interrupted(service)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM counts as Ctrl-C, also where a shell has switched that off."""
    before = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _until_interrupted(service: ServiceProcess) -> int:
    """Returns 0 when told to stop, and then can't be told again: what is open is closed in order."""
    try:
        while True:
            service.check()
            time.sleep(TICK)
    except KeyboardInterrupt:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        return 0


@contextmanager
def _at_the_counter(service: ServiceProcess, data: Path) -> Iterator[tuple[Client, str]]:
    """A client of the service as soon as it is ready, with a key of the shop's, and a key for its staff. Both keys end
    with the context."""
    from tryon_service.access.access import KEYS_FILE
    from tryon_service.access.keys import KeyStore
    from tryon_service.client import Client

    print("Starting the service ...", file=sys.stderr)
    service.wait_ready()
    keys = KeyStore(data / KEYS_FILE)
    own, key = keys.create(STORE, SCOPES, name="demo shop", ttl=KEY_LIFE)
    staff, staff_key = keys.create(STORE, STAFF_SCOPES, name="demo shop's staff", ttl=KEY_LIFE)
    try:
        with Client(service.url, key, timeout=TIMEOUT) as client:
            yield client, staff_key
    finally:
        for one in (own, staff):
            keys.revoke(one.id)


def _stocked(catalogue: Catalogue, read: PhotoReader, client: Client, pictures: Path) -> Mapping[str, Item]:
    """The catalogue in the service and on the shelf, by id; says which cards and photos can't be tried on. pictures:
    folder for the shop's own."""
    from tryon_service.onboarding.sync import sync
    from tryon_service.shop.shelf import fill_shelf

    known = {product.id: product for product in client.list_products()}
    synced = list(_progress(sync(client, catalogue, known, read), len(catalogue)))
    print(account(synced))
    return fill_shelf(catalogue.cards, synced, read, pictures)


def _progress(cards: Iterable[Synced], total: int) -> Iterable[Synced]:
    """With a bar where there is a terminal."""
    from tqdm import tqdm

    bar: Iterable[Synced] = tqdm(cards, total=total, unit="card", disable=None, file=sys.stderr)
    return bar
