"""What the routes can't say of themselves in the OpenAPI document: problems, headers, and which fields exclude others.

A test calls every route and fails on an answer that isn't described here.
"""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from tryon_service.access.widget_tokens import ORIGIN
from tryon_service.errors import CODES
from tryon_service.gateway import problems
from tryon_service.gateway.intake import MAX_PHOTO
from tryon_service.gateway.negotiation import FORMATS
from tryon_service.gateway.schemas import OF_PICTURES, PRODUCT_ID
from tryon_service.pb.limits import MAX_PHOTOS, TOO_LARGE

TITLE = "Try-on service"
DESCRIPTION = f"""\
A product card's picture with its model in the shopper's pose, or a clear refusal.

Calls show an API key, or a widget token where a page makes them, as `Authorization: Bearer ...`. Every error is a
problem document (RFC 9457) with a stable `code`; those with `retryable` true may succeed when repeated. All calls
accept `X-Request-Id` and W3C `traceparent`, and answer with `X-Request-Id` and `Server-Timing`.

A photo may have {MAX_PHOTO / 1e6:.0f} MB. {TOO_LARGE}
"""
TAGS = [
    {"name": "Renders", "description": "Pictures."},
    {"name": "Poses", "description": "A shopper's pose, to be used in place of the photo."},
    {"name": "Products", "description": "The store's product cards."},
    {"name": "Links", "description": "Signed links to pictures, and tokens for pages."},
    {"name": "Operation", "description": "For those who run the service."},
]

PHOTO_TYPES = "image/jpeg, image/png, image/webp"
PHOTO_CODES = (
    "not_an_image", "unsupported_format", "truncated_image", "too_many_pixels", "too_many_bytes", "too_many_frames",
    "image_too_small",
)  # fmt: skip
SHOPPER_CODES = ("no_person", "several_people", "person_too_small", "low_light", "blurred", "joint_hidden")
RENDER_CODES = (
    *SHOPPER_CODES, "body_cropped", "back_view", "side_view", "view_mismatch", "pose_too_different",
    "limb_behind_body", "garment_not_visible", "no_model_in_product", "renderer_unjudged", "unsupported_task",
    "expired_pose", "invalid_pose", "unknown_product", "network_missing", "network_mismatch",
)  # fmt: skip
CALL_CODES = ("unauthorized", "forbidden", "rate_limited", "internal", "storage_unavailable")
"""Of every call that needs a key."""
ENGINE_CODES = ("invalid_option", "overloaded", "engine_unavailable", "deadline_exceeded")
BODY_CODES = ("missing_field", "invalid_option", "too_many_bytes", "unsupported_media_type")

CODES_OF: dict[tuple[str, str], tuple[str, ...]] = {
    ("/v1/renders", "post"): (
        *CALL_CODES, *ENGINE_CODES, *BODY_CODES, *PHOTO_CODES, *RENDER_CODES, "token_spent", "not_acceptable",
    ),
    ("/v1/poses", "post"): (*CALL_CODES, *ENGINE_CODES, *BODY_CODES, *PHOTO_CODES, *SHOPPER_CODES, "token_spent"),
    ("/v1/poses", "get"): (*CALL_CODES, *ENGINE_CODES),
    ("/v1/products/{product_id}", "put"): (
        *CALL_CODES, *ENGINE_CODES, *BODY_CODES, *PHOTO_CODES, "blocked_url", "fetch_failed", "storage_full",
        "conflict",
    ),
    ("/v1/products/{product_id}", "get"): (*CALL_CODES, *ENGINE_CODES, "unknown_product"),
    ("/v1/products/{product_id}", "delete"): (*CALL_CODES, *ENGINE_CODES, "unknown_product", "conflict"),
    ("/v1/products/{product_id}/photos/{photo}", "get"): (
        *CALL_CODES, *ENGINE_CODES, "unknown_product", "not_found", "conflict",
    ),
    ("/v1/products/{product_id}/overlays/{photo}", "get"): (
        *CALL_CODES, *ENGINE_CODES, "unknown_product", "not_found", "no_model_in_product", "several_people",
        "person_too_small", "side_view", "garment_not_visible", "blurred",
    ),
    ("/v1/products", "get"): (*CALL_CODES, *ENGINE_CODES),
    ("/v1/render-urls", "post"): (*CALL_CODES, *ENGINE_CODES, *BODY_CODES, "unknown_product", "token_spent"),
    ("/v1/widget-tokens", "post"): (*CALL_CODES, *BODY_CODES),
    ("/v1/products/{product_id}/render", "get"): (
        *CALL_CODES, *ENGINE_CODES, *RENDER_CODES, "missing_field", "invalid_signature",
    ),
    ("/v1/products/{product_id}/photo", "get"): (
        *CALL_CODES, *ENGINE_CODES, "missing_field", "invalid_signature", "unknown_product", "conflict",
    ),
    ("/healthz", "get"): ("internal",),
    ("/readyz", "get"): ("internal", "engine_unavailable"),
    ("/metrics", "get"): ("internal",),
}  # fmt: skip
"""What may go wrong with each operation."""

IN_PATHS: dict[str, dict[str, Any]] = {
    "product_id": {"schema": {"type": "string", "pattern": PRODUCT_ID}, "description": "chosen by the store"},
    "photo": {
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_PHOTOS - 1},
        "description": "which of the product's photos, counted from 0",
    },
}
"""Parameters that stand in paths."""

EITHER = {
    "RenderForm": [("shopper", "pose"), ("product", "product_id")],
    "ProductForm": [("photos", "urls")],
}
"""By schema, pairs of fields of which one is needed; those of a render exclude each other."""
BOTH_ALLOWED = frozenset({"ProductForm"})

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong, as in RFC 9457.",
    "properties": {
        "type": {"type": "string", "description": "address of the code's explanation"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "for people"},
        "code": {"type": "string", "description": "stable: act upon this"},
        "field": {"type": "string", "description": "the input concerned, empty where none is"},
        "retryable": {"type": "boolean", "description": "whether the same call may succeed later"},
        "reasons": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Reason"},
            "description": "of a refusal, all of them",
        },
        "request_id": {"type": "string"},
    },
}
PROBLEM["required"] = list(PROBLEM["properties"])

PICTURE_HEADERS = {
    "Tryon-Verdict": "accepted, doubtful or refused",
    "Tryon-Reasons": "codes, separated by commas",
    "Tryon-Product-Used": "which of the product photos, counted from 0",
    "Tryon-Renderer": "what made the picture",
    "Tryon-Networks": "name;sha256=... of each network, separated by commas",
}
METRICS = {kind: {"schema": {"type": "string"}} for kind in ("text/plain", "application/openmetrics-text")}
ALL_HEADERS = {
    "X-Request-Id": "of this call; name it when asking about it",
    "Server-Timing": "milliseconds by step, and in total",
}


def describe(app: APIFlask) -> None:
    """Let the app's document be finished here."""
    app.description = DESCRIPTION
    app.config.update(
        AUTO_SERVERS=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_OPERATION_ID=True,
        SERVERS=[{"url": "/"}],
    )
    app.spec_processor(finish)  # type: ignore[arg-type] # it may be YAML for others


def finish(spec: dict[str, Any]) -> dict[str, Any]:
    """Add to the generated document what it lacks."""
    spec["components"]["schemas"]["Problem"] = PROBLEM
    spec["tags"] = TAGS
    spec["x-problems"] = {code: {"title": one.text, "status": one.http, "retryable": one.retryable}
                          for code, one in CODES.items()}  # fmt: skip
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            _tell_parameters(operation)
            _tell_problems(operation, CODES_OF.get((path, method), ("internal",)))
            _tell_headers(operation)
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
                _tell_files(operation["requestBody"]["content"], spec)
    _tell_answers(spec["paths"])
    for name, pairs in EITHER.items():
        _tell_pairs(spec["components"]["schemas"][name], pairs, exclusive=name not in BOTH_ALLOWED)
    _tell_token(spec["components"]["schemas"]["WidgetTokenIn"])
    spec["components"]["schemas"]["LinksIn"]["dependentRequired"] = {name: ["pose"] for name in OF_PICTURES}
    for name in (*EITHER, "PoseForm", "LinksIn", "WidgetTokenIn"):
        spec["components"]["schemas"][name]["additionalProperties"] = False
    return spec


def _tell_parameters(operation: dict[str, Any]) -> None:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter.update(IN_PATHS[parameter["name"]])


def _tell_problems(operation: dict[str, Any], codes: tuple[str, ...]) -> None:
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].http, []).append(code)
    for status, some in sorted(by_status.items()):
        operation["responses"][str(status)] = {
            "description": " ".join(f"`{code}`: {CODES[code].text}" for code in some),
            "content": {
                problems.MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {code: {"value": problems.document(code, request_id="7f3a9c")} for code in some},
                }
            },
        }
        if problems.headers_of(some[0]):
            operation["responses"][str(status)]["headers"] = {
                "Retry-After": {"description": "seconds", "schema": {"type": "integer"}}
            }
        if status == 422:
            operation["responses"][str(status)]["headers"] = _headers({"Tryon-Verdict": "refused, if a photo is"})


def _tell_headers(operation: dict[str, Any]) -> None:
    for response in operation["responses"].values():
        response.setdefault("headers", {}).update(_headers(ALL_HEADERS))


def _tell_files(content: dict[str, Any], spec: dict[str, Any]) -> None:
    """Which parts of a form are photos."""
    form = content.get("multipart/form-data")
    if form is None:
        return
    fields = spec["components"]["schemas"][form["schema"]["$ref"].rpartition("/")[2]]["properties"]
    for name, field in fields.items():
        if name in ("shopper", "product", "photos"):
            one = field["items"] if field.get("type") == "array" else field
            one.update(type="string", contentMediaType="application/octet-stream", minLength=1)
            form.setdefault("encoding", {})[name] = {"contentType": PHOTO_TYPES}


def _tell_pairs(schema: dict[str, Any], pairs: list[tuple[str, str]], *, exclusive: bool) -> None:
    word = "oneOf" if exclusive else "anyOf"
    schema["allOf"] = [{word: [{"required": [first]}, {"required": [second]}]} for first, second in pairs]


def _tell_token(schema: dict[str, Any]) -> None:
    """For some products, or for all."""
    schema["properties"]["origin"]["pattern"] = f"^{ORIGIN.pattern}$(?!\n)"
    some = {"product_ids": {"type": "array"}, "all": {"const": False}}
    every = {"product_ids": {"type": "null"}, "all": {"const": True}}
    schema["oneOf"] = [
        {"properties": some, "required": ["product_ids"]},
        {"properties": every, "required": ["all"]},
    ]


def _tell_answers(paths: dict[str, Any]) -> None:
    """Those that aren't JSON with one status."""
    kinds = {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in FORMATS.values()}
    json = {"application/json": {"schema": {"$ref": "#/components/schemas/Render"}}}
    headers = _headers({**ALL_HEADERS, **PICTURE_HEADERS})
    made = {"description": "The picture, alone or with its report, as Accept has it", "headers": headers}
    paths["/v1/renders"]["post"]["responses"]["200"] = {**made, "content": {**kinds, **json}}
    jpeg = {"image/jpeg": kinds["image/jpeg"]}
    shown = {"description": "The picture, or the original photo where it is refused", "headers": headers}
    put = paths["/v1/products/{product_id}"]["put"]["responses"]
    put["200"]["description"], put["201"] = "It was replaced", {**put["200"], "description": "It is new"}
    paths["/metrics"]["get"]["responses"]["200"]["content"] = METRICS
    paths["/v1/products/{product_id}/render"]["get"]["responses"]["200"] = {**shown, "content": jpeg}
    paths["/v1/products/{product_id}/photo"]["get"]["responses"]["200"]["content"] = jpeg


def _headers(texts: dict[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()}
