"""An engine that keeps products in memory and answers with small true pictures, and that can be made to fail."""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from PIL import Image

from tryon_service.errors import InputError, RefusedError
from tryon_service.gateway.answers import view_name
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.products.records import ProductRecord, photo_record
from tryon_service.types import Reason

REFUSED = RefusedError(
    [Reason("body_cropped", "shopper", "left_ankle"), Reason("pose_too_different", "shopper", "left_arm", 92.5, 75.0)]
)


@cache
def picture(image_format: str, size: tuple[int, int] = (48, 64), colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, image_format.upper())
    return out.getvalue()


class Gate(Protocol):
    """A threading.Event, or what waits like one."""

    def wait(self, timeout: float) -> bool: ...


@dataclass
class DrawnEngine:
    """failure: raised by every call; serving: what healthy says; gate: what calls wait for.

    calls: (name, request, store, timeout, trace); entered: once for each.
    """

    failure: BaseException | None = None
    serving: bool = True
    calls: list[tuple[str, Any, str, float, str]] = field(default_factory=list)
    products: dict[tuple[str, str], pb.Product] = field(default_factory=dict)
    asked: int = 0
    gate: Gate | None = None
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def _called(self, name: str, request: Any, store: str, timeout: float, trace: str) -> None:
        self.calls.append((name, request, store, timeout, trace))
        self.entered.release()
        if self.gate is not None:
            assert self.gate.wait(60)
        if self.failure is not None:
            raise self.failure

    @property
    def last(self) -> Any:
        return self.calls[-1][1]

    def render(self, request: pb.RenderRequest, *, store: str, timeout: float, trace: str = "") -> pb.RenderResponse:
        self._called("render", request, store, timeout, trace)
        if request.product_id:
            self._find(store, request.product_id)
        report = pb.Report(
            verdict=pb.VERDICT_STATUS_DOUBTFUL,
            reasons=[pb.Reason(code="low_light", photo="shopper", value=0.125)],
            scores={"coverage": 0.97},
            target_coco18=[pb.Joint(x=1.234, y=2.0, seen=True)] * 18,
            product_used=1,
            choice=pb.Choice(view=pb.VIEW_FRONT, shopper_view=pb.VIEW_THREE_QUARTER, degrees_apart=12.0, movement=3.0),
            timings_ms={"decode": 3.0, "render": 101.25},
            renderer="warp",
            networks=[pb.Network(name="blazepose landmarks", sha256="ab" * 32)],
        )
        name = request.options.format or "jpeg"
        return pb.RenderResponse(image=picture(name), content_type=f"image/{name}", width=48, height=64, report=report)

    def analyze_pose(
        self, request: pb.AnalyzePoseRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.AnalyzePoseResponse:
        self._called("analyze_pose", request, store, timeout, trace)
        joints = [pb.Joint(x=10.0, y=20.0, seen=True)] * 18
        return pb.AnalyzePoseResponse(
            pose="k1.AAAA", expires_at=1_900_000_000, keypoints_coco18=joints, view=pb.VIEW_FRONT, width=48, height=64
        )

    def list_poses(
        self, request: pb.ListPosesRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.ListPosesResponse:
        self._called("list_poses", request, store, timeout, trace)
        return pb.ListPosesResponse(names=["standing", "walking"])

    def put_product(
        self, request: pb.PutProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.PutProductResponse:
        self._called("put_product", request, store, timeout, trace)
        photos = [
            pb.StoredPhoto(
                sha256=hashlib.sha256(photo.image).hexdigest(), bytes=len(photo.image), view=photo.view,
                seen_view=pb.VIEW_FRONT, width=48, height=64,
            )
            for photo in request.photos
        ]  # fmt: skip
        records = tuple(photo_record(photo.image, view_name(photo.view)) for photo in request.photos)
        digest = ProductRecord(request.product_id, records, request.rights_reference).digest
        product = pb.Product(
            id=request.product_id, photos=photos, rights_reference=request.rights_reference, digest=digest,
            created_at=1_700_000_000, updated_at=1_700_000_000,
        )  # fmt: skip
        key = (store, request.product_id)
        created = key not in self.products
        self.products[key] = product
        return pb.PutProductResponse(product=product, created=created)

    def get_product(
        self, request: pb.GetProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetProductResponse:
        self._called("get_product", request, store, timeout, trace)
        return pb.GetProductResponse(product=self._find(store, request.product_id))

    def list_products(
        self, request: pb.ListProductsRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.ListProductsResponse:
        self._called("list_products", request, store, timeout, trace)
        found = [one for (whose, _), one in sorted(self.products.items()) if whose == store]
        after = [one for one in found if one.id > request.page_token]
        page = after[: request.page_size or 100]
        more = page[-1].id if len(after) > len(page) else ""
        return pb.ListProductsResponse(products=page, next_page_token=more)

    def delete_product(
        self, request: pb.DeleteProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.DeleteProductResponse:
        self._called("delete_product", request, store, timeout, trace)
        self._find(store, request.product_id)
        del self.products[store, request.product_id]
        return pb.DeleteProductResponse()

    def get_photo(
        self, request: pb.GetPhotoRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetPhotoResponse:
        self._called("get_photo", request, store, timeout, trace)
        if request.photo >= len(self._find(store, request.product_id).photos):
            raise InputError("not_found", "The product has fewer photos.", "photo")
        width = min(48, request.width or 48)
        return pb.GetPhotoResponse(image=picture("jpeg", (width, width * 4 // 3)), width=width, height=width * 4 // 3)

    def inspect(self, request: pb.InspectRequest, *, store: str, timeout: float, trace: str = "") -> pb.InspectResponse:
        self._called("inspect", request, store, timeout, trace)
        if request.photo >= len(self._find(store, request.product_id).photos):
            raise InputError("not_found", "The product has fewer photos.", "photo")
        return pb.InspectResponse(image=picture("png"), width=48, height=64)

    def healthy(self, timeout: float) -> bool:
        self.asked += 1
        return self.serving

    def _find(self, store: str, product_id: str) -> pb.Product:
        if (store, product_id) not in self.products:
            raise InputError("unknown_product", field="product_id")
        return self.products[store, product_id]
