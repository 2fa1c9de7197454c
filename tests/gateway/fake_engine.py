"""An engine without pictures: it keeps products by store and notes what it is asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tryon_service.errors import InputError, RefusedError, TryonError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.types import Reason

REFUSED_POSE = "refused"
"""A pose in which every product is refused."""


@dataclass
class FakeEngine:
    """products: digests by store and id; failure: of all calls for a picture or photo; rendered, shown: those calls."""

    products: dict[tuple[str, str], str] = field(default_factory=dict)
    failure: TryonError | None = None
    rendered: list[tuple[str, pb.RenderRequest]] = field(default_factory=list)
    shown: list[tuple[str, pb.GetPhotoRequest]] = field(default_factory=list)

    def put(self, store: str, product_id: str, content: str = "") -> None:
        self.products[store, product_id] = hashlib.sha256(f"{product_id} {content}".encode()).hexdigest()

    def get_product(
        self, request: pb.GetProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetProductResponse:
        if (store, request.product_id) not in self.products:
            raise InputError("unknown_product", field="product_id")
        digest = self.products[store, request.product_id]
        return pb.GetProductResponse(product=pb.Product(id=request.product_id, digest=digest))

    def get_photo(
        self, request: pb.GetPhotoRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetPhotoResponse:
        if self.failure is not None:
            raise self.failure
        self.get_product(pb.GetProductRequest(product_id=request.product_id), store=store, timeout=timeout)
        self.shown.append((store, request))
        image = f"photo {request.photo} of {request.product_id} at {request.width}"
        return pb.GetPhotoResponse(image=image.encode())

    def render(self, request: pb.RenderRequest, *, store: str, timeout: float, trace: str = "") -> pb.RenderResponse:
        if self.failure is not None:
            raise self.failure
        self.get_product(pb.GetProductRequest(product_id=request.product_id), store=store, timeout=timeout)
        self.rendered.append((store, request))
        report = pb.Report(verdict=pb.VERDICT_STATUS_ACCEPTED, renderer="warp", product_used=0)
        report.timings_ms.update({"render": 12.345, "decode shopper": 1.0})
        image = f"{request.product_id} in {request.pose} at {request.options.width}"
        if request.pose == REFUSED_POSE:
            reasons = [Reason("pose_too_different", "shopper"), Reason("no_person", "product")]
            if not request.options.original_if_refused:
                raise RefusedError(reasons)
            report.verdict = pb.VERDICT_STATUS_REFUSED
            report.ClearField("product_used")
            report.reasons.extend(pb.Reason(code=reason.code, photo=reason.photo) for reason in reasons)
            image = f"{request.product_id} as it is"
        return pb.RenderResponse(image=image.encode(), content_type="image/jpeg", report=report)
