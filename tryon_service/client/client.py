"""The two clients. Their methods are the functions of calls.py, sent; see there for what each takes and raises."""

from __future__ import annotations

import asyncio
import copy
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

import httpx

from tryon_service import __version__
from tryon_service.client import calls
from tryon_service.client.calls import Call
from tryon_service.client.exchange import Outcome, Pause, Retries, Send, exchange
from tryon_service.client.problems import REQUEST_ID
from tryon_service.client.results import Product
from tryon_service.errors import InputError

P = ParamSpec("P")
T = TypeVar("T")
H = TypeVar("H", httpx.Client, httpx.AsyncClient)

TIMEOUT = 60.0
"""Seconds for a call, retries included."""
PAGE = 500
"""Products asked for at a time."""
SANE = re.compile(r"[\x21-\x7e]{1,4096}")
"""What may stand in a header."""


class _Session(Generic[H]):
    """What both clients have in common."""

    _http: H
    _timeout: float
    _retries: Retries
    _headers: dict[str, str]

    def _prepare(self, api_key: str, timeout: float, retries: Retries) -> None:
        self._timeout, self._retries, self._headers = timeout, retries, {}
        self._http.headers.update(
            {"Authorization": f"Bearer {_sane(api_key, 'api_key')}", "User-Agent": f"tryon-service/{__version__}"}
        )

    @property
    def base_url(self) -> str:
        return str(self._http.base_url).rstrip("/")

    @property
    def closed(self) -> bool:
        return self._http.is_closed

    def with_options(
        self, *, request_id: str | None = None, traceparent: str | None = None, timeout: float | None = None
    ) -> Self:
        """The same client, over the same connections, whose calls have these options.

        request_id: the calls' name in the service's logs; traceparent: their place in a trace (W3C); timeout: seconds
        for a call, retries included. Closing either of the two closes both.
        """
        other = copy.copy(self)
        given = {REQUEST_ID: request_id, "traceparent": traceparent}
        fields = {REQUEST_ID: "request_id", "traceparent": "traceparent"}
        headers = {name: _sane(text, fields[name]) for name, text in given.items() if text is not None}
        other._headers = self._headers | headers
        other._timeout = self._timeout if timeout is None else timeout
        return other

    def _build(self, call: Call[T], timeout: httpx.Timeout) -> httpx.Request:
        """Raises InputError("invalid_option") if the client has been closed."""
        if self.closed:
            raise InputError("invalid_option", "This client has been closed; open another.", "client")
        return self._http.build_request(
            call.method,
            call.path,
            params=call.query,
            json=call.json,
            files=call.parts,
            headers={**self._headers, "Accept": call.accept},
            timeout=timeout,
        )


def _blocking(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    @wraps(build)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return method


def _async(build: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @wraps(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))

    return method


class Client(_Session[httpx.Client]):
    """The service over HTTP. Any number of threads may share one; close it, or use it in a `with`.

    base_url: of the service, as "https://tryon.example"; api_key: as `tryon keys create` shows it; timeout: seconds for
    a call, retries included; transport: httpx's, for tests. Raises InputError("invalid_option").
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=_checked(base_url), transport=transport)
        self._prepare(api_key, timeout, retries)

    render = _blocking(calls.render)
    analyse_pose = _blocking(calls.analyse_pose)
    house_poses = _blocking(calls.house_poses)
    put_product = _blocking(calls.put_product)
    get_product = _blocking(calls.get_product)
    delete_product = _blocking(calls.delete_product)
    product_page = _blocking(calls.product_page)
    photo = _blocking(calls.photo)
    overlay = _blocking(calls.overlay)
    render_urls = _blocking(calls.render_urls)
    widget_token = _blocking(calls.widget_token)

    def list_products(self) -> Iterator[Product]:
        """All of the store's products, by id, asked for as they are needed."""
        token: str | None = None
        while token != "":
            page = self.product_page(page_size=PAGE, page_token=token)
            yield from page.products
            token = page.next_page_token

    def send(self, call: Call[T]) -> T:
        """Make a call of calls.py. Raises TryonError."""
        course = exchange(call, self._build, self._retries, self._timeout)
        outcome: Outcome = None
        try:
            while True:
                outcome = self._do(course.send(outcome))
        except StopIteration as end:
            answer: T = end.value
            return answer

    def _do(self, step: Send | Pause) -> Outcome:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self._http.send(step.request)
        except httpx.RequestError as error:
            return error

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class AsyncClient(_Session[httpx.AsyncClient]):
    """As Client, with methods to await. Photos given as paths are read at once."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=_checked(base_url), transport=transport)
        self._prepare(api_key, timeout, retries)

    render = _async(calls.render)
    analyse_pose = _async(calls.analyse_pose)
    house_poses = _async(calls.house_poses)
    put_product = _async(calls.put_product)
    get_product = _async(calls.get_product)
    delete_product = _async(calls.delete_product)
    product_page = _async(calls.product_page)
    photo = _async(calls.photo)
    overlay = _async(calls.overlay)
    render_urls = _async(calls.render_urls)
    widget_token = _async(calls.widget_token)

    async def list_products(self) -> AsyncIterator[Product]:
        """All of the store's products, by id, asked for as they are needed."""
        token: str | None = None
        while token != "":
            page = await self.product_page(page_size=PAGE, page_token=token)
            for product in page.products:
                yield product
            token = page.next_page_token

    async def send(self, call: Call[T]) -> T:
        """Make a call of calls.py. Raises TryonError."""
        course = exchange(call, self._build, self._retries, self._timeout)
        outcome: Outcome = None
        try:
            while True:
                outcome = await self._do(course.send(outcome))
        except StopIteration as end:
            answer: T = end.value
            return answer

    async def _do(self, step: Send | Pause) -> Outcome:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            return await self._http.send(step.request)
        except httpx.RequestError as error:
            return error

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


def _checked(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, UnicodeError, TypeError):
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        raise InputError("invalid_option", "It is no URL such as https://tryon.example.", "base_url")
    return url


def _sane(text: str, field: str) -> str:
    """Raises InputError("invalid_option"), which never repeats the text: it may be a key."""
    if not SANE.fullmatch(text):
        raise InputError("invalid_option", "It is empty or has spaces or letters beyond ASCII.", field)
    return text
