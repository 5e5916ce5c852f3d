"""The wire: one connection to a Skaha service, with its authentication, and its refusals as exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from skahaclient.errors import SkahaError

Values = Mapping[str, str | int | float | Sequence[str] | None]
TIMEOUT_SECONDS = 30.0


class Connection:
    """Requests below one base URL, such as ``https://ws-uv.canfar.net/skaha/v1``.

    ``token`` is sent as a bearer token; ``transport`` replaces the network (a test's in-process application).
    Raises :class:`SkahaError` for every answer of 400 and above, with the service's own words, and
    ``httpx.TransportError`` when there is no answer.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Accept": "application/json, text/plain"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/", headers=headers, timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def json(self, path: str, **parameters: str | None) -> Any:
        """The parsed JSON of ``GET path``."""
        return self._send("GET", path, params=_given(parameters)).json()

    def text(self, path: str, **parameters: str | None) -> str:
        """The text of ``GET path``: logs and events."""
        return self._send("GET", path, params=_given(parameters)).text

    def post(self, path: str, form: Values) -> str:
        """The text of ``POST path``, without its newline: the id of what was made. ``None`` values are left
        out, a sequence is sent as a repeated field."""
        return self._send("POST", path, data=_given(form)).text.rstrip("\r\n")

    def delete(self, path: str) -> None:
        self._send("DELETE", path)

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        response = self._http.request(method, path, **content)
        if response.is_error:
            raise SkahaError(response.status_code, response.text.strip())
        return response


def _given(values: Values) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
