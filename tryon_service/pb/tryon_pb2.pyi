from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class View(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VIEW_UNSPECIFIED: _ClassVar[View]
    VIEW_FRONT: _ClassVar[View]
    VIEW_THREE_QUARTER: _ClassVar[View]
    VIEW_SIDE: _ClassVar[View]
    VIEW_BACK: _ClassVar[View]

class VerdictStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_STATUS_UNSPECIFIED: _ClassVar[VerdictStatus]
    VERDICT_STATUS_ACCEPTED: _ClassVar[VerdictStatus]
    VERDICT_STATUS_DOUBTFUL: _ClassVar[VerdictStatus]
    VERDICT_STATUS_REFUSED: _ClassVar[VerdictStatus]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_SHOPPER: _ClassVar[Priority]
    PRIORITY_BATCH: _ClassVar[Priority]

class OverlayKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OVERLAY_KIND_UNSPECIFIED: _ClassVar[OverlayKind]
    OVERLAY_KIND_POSE: _ClassVar[OverlayKind]
    OVERLAY_KIND_PARSING: _ClassVar[OverlayKind]
    OVERLAY_KIND_LAYERS: _ClassVar[OverlayKind]
VIEW_UNSPECIFIED: View
VIEW_FRONT: View
VIEW_THREE_QUARTER: View
VIEW_SIDE: View
VIEW_BACK: View
VERDICT_STATUS_UNSPECIFIED: VerdictStatus
VERDICT_STATUS_ACCEPTED: VerdictStatus
VERDICT_STATUS_DOUBTFUL: VerdictStatus
VERDICT_STATUS_REFUSED: VerdictStatus
PRIORITY_UNSPECIFIED: Priority
PRIORITY_SHOPPER: Priority
PRIORITY_BATCH: Priority
OVERLAY_KIND_UNSPECIFIED: OverlayKind
OVERLAY_KIND_POSE: OverlayKind
OVERLAY_KIND_PARSING: OverlayKind
OVERLAY_KIND_LAYERS: OverlayKind

class ProductPhoto(_message.Message):
    __slots__ = ("image", "view")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    view: View
    def __init__(self, image: _Optional[bytes] = ..., view: _Optional[_Union[View, str]] = ...) -> None: ...

class ProductPhotos(_message.Message):
    __slots__ = ("photos",)
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    photos: _containers.RepeatedCompositeFieldContainer[ProductPhoto]
    def __init__(self, photos: _Optional[_Iterable[_Union[ProductPhoto, _Mapping]]] = ...) -> None: ...

class RenderOptions(_message.Message):
    __slots__ = ("task", "background", "width", "height", "format", "renderer", "min_verdict", "original_if_refused")
    TASK_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    RENDERER_FIELD_NUMBER: _ClassVar[int]
    MIN_VERDICT_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_IF_REFUSED_FIELD_NUMBER: _ClassVar[int]
    task: str
    background: str
    width: int
    height: int
    format: str
    renderer: str
    min_verdict: VerdictStatus
    original_if_refused: bool
    def __init__(self, task: _Optional[str] = ..., background: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., format: _Optional[str] = ..., renderer: _Optional[str] = ..., min_verdict: _Optional[_Union[VerdictStatus, str]] = ..., original_if_refused: _Optional[bool] = ...) -> None: ...

class RenderRequest(_message.Message):
    __slots__ = ("photo", "pose", "photos", "product_id", "options", "priority", "consent_reference")
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    POSE_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CONSENT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    photo: bytes
    pose: str
    photos: ProductPhotos
    product_id: str
    options: RenderOptions
    priority: Priority
    consent_reference: str
    def __init__(self, photo: _Optional[bytes] = ..., pose: _Optional[str] = ..., photos: _Optional[_Union[ProductPhotos, _Mapping]] = ..., product_id: _Optional[str] = ..., options: _Optional[_Union[RenderOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ..., consent_reference: _Optional[str] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("code", "photo", "part", "value", "limit")
    CODE_FIELD_NUMBER: _ClassVar[int]
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    code: str
    photo: str
    part: str
    value: float
    limit: float
    def __init__(self, code: _Optional[str] = ..., photo: _Optional[str] = ..., part: _Optional[str] = ..., value: _Optional[float] = ..., limit: _Optional[float] = ...) -> None: ...

class Joint(_message.Message):
    __slots__ = ("x", "y", "seen")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    seen: bool
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., seen: _Optional[bool] = ...) -> None: ...

class Network(_message.Message):
    __slots__ = ("name", "sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    sha256: str
    def __init__(self, name: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class Choice(_message.Message):
    __slots__ = ("view", "shopper_view", "degrees_apart", "movement", "missing")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SHOPPER_VIEW_FIELD_NUMBER: _ClassVar[int]
    DEGREES_APART_FIELD_NUMBER: _ClassVar[int]
    MOVEMENT_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    view: View
    shopper_view: View
    degrees_apart: float
    movement: float
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, view: _Optional[_Union[View, str]] = ..., shopper_view: _Optional[_Union[View, str]] = ..., degrees_apart: _Optional[float] = ..., movement: _Optional[float] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("verdict", "reasons", "scores", "target_coco18", "product_used", "choice", "timings_ms", "renderer", "networks")
    class ScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class TimingsMsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    TARGET_COCO18_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_USED_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_MS_FIELD_NUMBER: _ClassVar[int]
    RENDERER_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    verdict: VerdictStatus
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    scores: _containers.ScalarMap[str, float]
    target_coco18: _containers.RepeatedCompositeFieldContainer[Joint]
    product_used: int
    choice: Choice
    timings_ms: _containers.ScalarMap[str, float]
    renderer: str
    networks: _containers.RepeatedCompositeFieldContainer[Network]
    def __init__(self, verdict: _Optional[_Union[VerdictStatus, str]] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., scores: _Optional[_Mapping[str, float]] = ..., target_coco18: _Optional[_Iterable[_Union[Joint, _Mapping]]] = ..., product_used: _Optional[int] = ..., choice: _Optional[_Union[Choice, _Mapping]] = ..., timings_ms: _Optional[_Mapping[str, float]] = ..., renderer: _Optional[str] = ..., networks: _Optional[_Iterable[_Union[Network, _Mapping]]] = ...) -> None: ...

class RenderResponse(_message.Message):
    __slots__ = ("image", "content_type", "width", "height", "report")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    content_type: str
    width: int
    height: int
    report: Report
    def __init__(self, image: _Optional[bytes] = ..., content_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class AnalyzePoseRequest(_message.Message):
    __slots__ = ("photo", "consent_reference", "ttl_seconds")
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    CONSENT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    photo: bytes
    consent_reference: str
    ttl_seconds: int
    def __init__(self, photo: _Optional[bytes] = ..., consent_reference: _Optional[str] = ..., ttl_seconds: _Optional[int] = ...) -> None: ...

class AnalyzePoseResponse(_message.Message):
    __slots__ = ("pose", "expires_at", "keypoints_coco18", "view", "width", "height")
    POSE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    KEYPOINTS_COCO18_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    pose: str
    expires_at: int
    keypoints_coco18: _containers.RepeatedCompositeFieldContainer[Joint]
    view: View
    width: int
    height: int
    def __init__(self, pose: _Optional[str] = ..., expires_at: _Optional[int] = ..., keypoints_coco18: _Optional[_Iterable[_Union[Joint, _Mapping]]] = ..., view: _Optional[_Union[View, str]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class ListPosesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPosesResponse(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("id", "photos", "rights_reference", "digest", "created_at", "updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    RIGHTS_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    photos: _containers.RepeatedCompositeFieldContainer[StoredPhoto]
    rights_reference: str
    digest: str
    created_at: int
    updated_at: int
    def __init__(self, id: _Optional[str] = ..., photos: _Optional[_Iterable[_Union[StoredPhoto, _Mapping]]] = ..., rights_reference: _Optional[str] = ..., digest: _Optional[str] = ..., created_at: _Optional[int] = ..., updated_at: _Optional[int] = ...) -> None: ...

class StoredPhoto(_message.Message):
    __slots__ = ("sha256", "bytes", "view", "seen_view", "width", "height", "reasons")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SEEN_VIEW_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    bytes: int
    view: View
    seen_view: View
    width: int
    height: int
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    def __init__(self, sha256: _Optional[str] = ..., bytes: _Optional[int] = ..., view: _Optional[_Union[View, str]] = ..., seen_view: _Optional[_Union[View, str]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ...) -> None: ...

class PutProductRequest(_message.Message):
    __slots__ = ("product_id", "photos", "rights_reference")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    RIGHTS_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    photos: _containers.RepeatedCompositeFieldContainer[ProductPhoto]
    rights_reference: str
    def __init__(self, product_id: _Optional[str] = ..., photos: _Optional[_Iterable[_Union[ProductPhoto, _Mapping]]] = ..., rights_reference: _Optional[str] = ...) -> None: ...

class PutProductResponse(_message.Message):
    __slots__ = ("product", "created")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    product: Product
    created: bool
    def __init__(self, product: _Optional[_Union[Product, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class GetProductRequest(_message.Message):
    __slots__ = ("product_id",)
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    def __init__(self, product_id: _Optional[str] = ...) -> None: ...

class GetProductResponse(_message.Message):
    __slots__ = ("product",)
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    product: Product
    def __init__(self, product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class ListProductsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListProductsResponse(_message.Message):
    __slots__ = ("products", "next_page_token")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    next_page_token: str
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteProductRequest(_message.Message):
    __slots__ = ("product_id",)
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    def __init__(self, product_id: _Optional[str] = ...) -> None: ...

class DeleteProductResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPhotoRequest(_message.Message):
    __slots__ = ("product_id", "photo", "width", "height")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    photo: int
    width: int
    height: int
    def __init__(self, product_id: _Optional[str] = ..., photo: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class GetPhotoResponse(_message.Message):
    __slots__ = ("image", "width", "height")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    width: int
    height: int
    def __init__(self, image: _Optional[bytes] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class InspectRequest(_message.Message):
    __slots__ = ("product_id", "photo", "kind")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    photo: int
    kind: OverlayKind
    def __init__(self, product_id: _Optional[str] = ..., photo: _Optional[int] = ..., kind: _Optional[_Union[OverlayKind, str]] = ...) -> None: ...

class InspectResponse(_message.Message):
    __slots__ = ("image", "width", "height")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    width: int
    height: int
    def __init__(self, image: _Optional[bytes] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class ErrorDetail(_message.Message):
    __slots__ = ("code", "detail", "field", "retryable", "reasons")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    field: str
    retryable: bool
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ..., field: _Optional[str] = ..., retryable: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ...) -> None: ...
