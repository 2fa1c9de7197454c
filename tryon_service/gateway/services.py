"""What the routes work with; each app carries its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, cast

from flask import Flask, current_app

from tryon_service.access.access import Access
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.settings import Settings

if TYPE_CHECKING:
    from tryon_service.fetch.client import Fetcher

EXTENSION = "tryon"


class Engine(Protocol):
    """The engine, near or far: each call with the store it is for and the seconds it may take; trace: a W3C
    traceparent. Raises TryonError."""

    def render(
        self, request: pb.RenderRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.RenderResponse: ...

    def get_product(
        self, request: pb.GetProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetProductResponse: ...

    def analyze_pose(
        self, request: pb.AnalyzePoseRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.AnalyzePoseResponse: ...

    def list_poses(
        self, request: pb.ListPosesRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.ListPosesResponse: ...

    def put_product(
        self, request: pb.PutProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.PutProductResponse: ...

    def list_products(
        self, request: pb.ListProductsRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.ListProductsResponse: ...

    def delete_product(
        self, request: pb.DeleteProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.DeleteProductResponse: ...

    def get_photo(
        self, request: pb.GetPhotoRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetPhotoResponse: ...

    def inspect(
        self, request: pb.InspectRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.InspectResponse: ...

    def healthy(self, timeout: float) -> bool:
        """Does it serve, by its own word and within the seconds? Raises nothing."""


@dataclass(frozen=True)
class Services:
    settings: Settings
    engine: Engine
    access: Access

    @cached_property
    def fetcher(self) -> Fetcher:
        """Of product photos by URL; refuses every URL unless the settings list hosts."""
        from tryon_service.fetch.client import Fetcher

        return Fetcher.of(self.settings)

    def install(self, app: Flask) -> None:
        app.extensions[EXTENSION] = self


def services() -> Services:
    """Those of the app that answers the current call."""
    return cast(Services, current_app.extensions[EXTENSION])
