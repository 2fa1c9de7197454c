"""The gateway's application, put together: who may call, how often, the routes, and how errors are answered.

    app = create_app(settings, engine, Access.open(settings))

Every app is its own: nothing is kept in modules.
"""

from __future__ import annotations

from flask import Response, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

from tryon_service import __version__
from tryon_service.access.access import Access
from tryon_service.gateway import openapi
from tryon_service.gateway.admission import Admission
from tryon_service.gateway.auth import SECURITY_SCHEMES, protect
from tryon_service.gateway.calls import EXTENSION, Calls, Gateway
from tryon_service.gateway.cors import allow_origins
from tryon_service.gateway.intake import check_media_type
from tryon_service.gateway.problems import answer_problems
from tryon_service.gateway.readiness import Readiness
from tryon_service.gateway.routes.links import links
from tryon_service.gateway.routes.ops import ops_routes
from tryon_service.gateway.routes.overlays import overlays
from tryon_service.gateway.routes.pages import static_pages
from tryon_service.gateway.routes.poses import poses
from tryon_service.gateway.routes.products import products
from tryon_service.gateway.routes.renders import renders
from tryon_service.gateway.services import Engine, Services
from tryon_service.observability.metrics import GatewayMetrics
from tryon_service.observability.tracing import Tracer
from tryon_service.settings import Settings

ROUTES = (renders, poses, products, overlays, links)


def create_app(settings: Settings, engine: Engine, access: Access, tracer: Tracer | None = None) -> Gateway:
    """engine, access: opened by the caller, who closes them. tracer: default none.

    Raises InputError("invalid_option") for settings that can't be.
    """
    app = Gateway(
        __name__,
        title=openapi.TITLE,
        version=__version__,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type] # Flask takes it
    )
    app.url_map.merge_slashes = False  # a path with two slashes is another path, not a redirection
    app.json.sort_keys = False  # type: ignore[attr-defined] # of the provider that Flask has by default
    Services(settings, engine, access).install(app)
    Admission(settings.threads, settings.queue_bytes).install(app)
    answer_problems(app)
    app.before_request(check_path)
    protect(app, access)
    app.before_request(lambda: check_body(app))
    app.after_request(harden)
    allow_origins(app, settings.cors_origins)
    for blueprint in ROUTES:
        app.register_blueprint(blueprint)
    app.register_blueprint(static_pages())
    _observe(app, engine, tracer or Tracer(), settings.threads)
    openapi.describe(app)
    app.config["SECURITY_SCHEMES"] = SECURITY_SCHEMES
    if settings.trusted_proxies:
        near = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=near, x_proto=near)  # type: ignore[method-assign]
    return app


def check_path() -> None:
    """Werkzeug takes "//metrics" for "/metrics"; a proxy that keeps strangers from the one doesn't."""
    if request.environ["PATH_INFO"].startswith("//"):
        abort(404)


def check_body(app: Gateway) -> None:
    """Before any view: is the body of the kind that the view reads?"""
    spec = getattr(app.view_functions.get(request.endpoint or ""), "_spec", {})
    if request.method != "OPTIONS":
        check_media_type(request, spec.get("content_type"))


def harden(response: Response) -> Response:
    """Nothing of ours is to be guessed at, framed, or told of elsewhere."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    if response.status_code in (204, 304):
        del response.headers["Content-Type"]
    return response


def _observe(app: Gateway, engine: Engine, tracer: Tracer, threads: int) -> None:
    """Last of all, when every route is known."""
    readiness = Readiness(engine.healthy)
    known = {rule.rule for rule in app.url_map.iter_rules()} | {"/healthz", "/readyz", "/metrics"}
    calls = Calls(GatewayMetrics(known), tracer)
    calls.metrics.threads(threads)
    app.extensions[EXTENSION] = calls
    app.register_blueprint(ops_routes(calls, readiness))
