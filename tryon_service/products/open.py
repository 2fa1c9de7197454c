"""Which store the settings ask for."""

from __future__ import annotations

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
