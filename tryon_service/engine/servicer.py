"""The calls of tryon.v1.TryOn, each handed to who answers it."""

from __future__ import annotations

import grpc

from tryon_service.engine.calls import Calls
from tryon_service.engine.cards import Cards
from tryon_service.engine.renders import Renders
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.tryon_pb2_grpc import TryOnServicer


class Servicer(TryOnServicer):
    """See protos/tryon/v1/tryon.proto for what each call promises. The methods' names are the protocol's."""

    def __init__(self, calls: Calls, renders: Renders, cards: Cards) -> None:
        self._calls, self._renders, self._cards = calls, renders, cards

    def Render(self, request: pb.RenderRequest, context: grpc.ServicerContext) -> pb.RenderResponse:  # noqa: N802
        return self._calls.answer("Render", context, lambda call: self._renders.render(call, request))

    def AnalyzePose(  # noqa: N802
        self, request: pb.AnalyzePoseRequest, context: grpc.ServicerContext
    ) -> pb.AnalyzePoseResponse:
        return self._calls.answer("AnalyzePose", context, lambda call: self._renders.analyze_pose(call, request))

    def ListPoses(self, request: pb.ListPosesRequest, context: grpc.ServicerContext) -> pb.ListPosesResponse:  # noqa: N802
        return self._calls.answer("ListPoses", context, lambda call: self._renders.list_poses(call, request))

    def PutProduct(  # noqa: N802
        self, request: pb.PutProductRequest, context: grpc.ServicerContext
    ) -> pb.PutProductResponse:
        return self._calls.answer("PutProduct", context, lambda call: self._cards.put(call, request))

    def GetProduct(  # noqa: N802
        self, request: pb.GetProductRequest, context: grpc.ServicerContext
    ) -> pb.GetProductResponse:
        return self._calls.answer("GetProduct", context, lambda call: self._cards.get(call, request))

    def ListProducts(  # noqa: N802
        self, request: pb.ListProductsRequest, context: grpc.ServicerContext
    ) -> pb.ListProductsResponse:
        return self._calls.answer("ListProducts", context, lambda call: self._cards.list(call, request))

    def DeleteProduct(  # noqa: N802
        self, request: pb.DeleteProductRequest, context: grpc.ServicerContext
    ) -> pb.DeleteProductResponse:
        return self._calls.answer("DeleteProduct", context, lambda call: self._cards.delete(call, request))

    def GetPhoto(self, request: pb.GetPhotoRequest, context: grpc.ServicerContext) -> pb.GetPhotoResponse:  # noqa: N802
        return self._calls.answer("GetPhoto", context, lambda call: self._cards.photo(call, request))

    def Inspect(self, request: pb.InspectRequest, context: grpc.ServicerContext) -> pb.InspectResponse:  # noqa: N802
        return self._calls.answer("Inspect", context, lambda call: self._cards.inspect(call, request))
