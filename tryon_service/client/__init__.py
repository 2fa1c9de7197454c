"""The service from Python: a few typed methods over HTTP, blocking or async, with retries where they are safe.

    with Client("https://tryon.example", api_key) as client:
        picture = client.render(shopper=Path("me.jpg"), product_id="shirt-1")
        Path("shirt-on-me.jpg").write_bytes(picture.data)

Everything that goes wrong is a TryonError: `code`, `detail`, `field`, `retryable`, and `reasons` of a refusal.
"""

from __future__ import annotations

from tryon_service.client.client import AsyncClient, Client
from tryon_service.client.exchange import Retries
from tryon_service.client.results import (
    Picture,
    Product,
    ProductPage,
    RenderUrls,
    Report,
    ShopperPose,
    StoredPhoto,
    WidgetToken,
)

__all__ = [
    "AsyncClient",
    "Client",
    "Picture",
    "Product",
    "ProductPage",
    "RenderUrls",
    "Report",
    "Retries",
    "ShopperPose",
    "StoredPhoto",
    "WidgetToken",
]
