"""Which store the settings ask for."""

from __future__ import annotations

import os
from pathlib import Path

from tryon_service.errors import InputError
from tryon_service.products.base import ProductStore
from tryon_service.products.folder import FolderStore
from tryon_service.settings import Settings


def open_store(settings: Settings) -> ProductStore:
    """The data folder's, or photos at store_url with their index at index_url.

    Raises InputError("invalid_option") naming the setting that can't be used. A store that doesn't answer yet is no
    error here but at each call, until it does.
    """
    if settings.store_url:
        # Redis and fsspec come with an extra that the store in the folder doesn't need.
        try:
            from tryon_service.products.remote import RemoteStore
        except ImportError as error:
            detail = f"It needs {error.name}; install tryon-service with its extra, scale."
            raise InputError("invalid_option", detail, "TRYON_STORE_URL") from error
        return RemoteStore(settings.store_url, settings.index_url)
    return FolderStore(settings.data / "products")


def open_kept(settings: Settings) -> ProductStore:
    """As open_store, for those who look after a store from outside: never makes one, and says whose it is.

    Raises InputError("invalid_option") as well where there is none, or it is somebody else's.
    """
    if not settings.store_url:
        _check_folder(settings.data / "products")
    return open_store(settings)


def _check_folder(folder: Path) -> None:
    try:
        owner = folder.stat().st_uid
    except FileNotFoundError:
        raise InputError("invalid_option", f"There is no product store in {str(folder)!r}.", "TRYON_DATA") from None
    except OSError as error:
        detail = f"{str(folder)!r} can't be looked into: {error.strerror}. Run this as the service's own user."
        raise InputError("invalid_option", detail, "TRYON_DATA") from None
    if owner != os.geteuid():
        detail = f"{str(folder)!r} belongs to user {owner}, and this is user {os.geteuid()}. Run this as that user."
        raise InputError("invalid_option", detail, "TRYON_DATA")
