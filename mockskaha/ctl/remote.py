"""A server, as the commands of ``mockskaha ctl`` reach it: answers as data, and refusals as exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    import httpx

URL = "http://127.0.0.1:8080"
NO, USAGE, UNREACHABLE = 1, 2, 4
"""Exit codes: the answer is no; what was asked for makes no sense; the server is not there, or lets nobody in."""
_TIMEOUT_SECONDS = 120.0
"""A server that moves its clock over years answers only then."""


class Remote:
    """The control API of one namespace of a server."""

    def __init__(
        self, url: str = URL, token: str | None = None, namespace: str = "", json: bool = False
    ) -> None:
        self.url = url.rstrip("/")
        self.namespace = namespace
        self.wants_json = json
        self._token = token
        self._client: httpx.Client | None = None

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    # -- asking ------------------------------------------------------------------------------------------

    @property
    def client(self) -> httpx.Client:
        """Made when it is first wanted."""
        if self._client is None:
            import httpx

            try:
                host = httpx.URL(self.url).host
            except httpx.InvalidURL as error:
                self.fail(f"{self.url} is no URL: {error}", USAGE)
            # The proxies of an environment have nothing to do with this machine.
            own = host in ("localhost", "::1") or host.startswith("127.")
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            self._client = httpx.Client(
                headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=not own, verify=_trust()
            )
        return self._client

    def address(self, path: str, *, of_server: bool = False) -> str:
        """The URL of a path of the API."""
        below = f"/ns/{self.namespace}" if self.namespace and not of_server else ""
        return f"{self.url}{below}/_mockskaha/{path}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        document: bytes | None = None,
        of_server: bool = False,
    ) -> httpx.Response:
        """The answer. Ends the process when there is none, or a refusal."""
        import httpx

        options: dict[str, Any] = {}
        if document is not None:
            options |= {"content": document, "headers": {"Content-Type": _media_type(document)}}
        elif method in ("POST", "PUT"):
            options["json"] = {} if body is None else body
        query = {key: value for key, value in (query or {}).items() if value is not None}
        try:
            answer = self.client.request(
                method, self.address(path, of_server=of_server), params=query, **options
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self.fail(f"no answer from {self.url}: {error}; is `mockskaha serve` running there?", UNREACHABLE)
        self.check(answer)
        return answer

    def check(self, answer: httpx.Response) -> None:
        """End the process if ``answer`` is a refusal."""
        if answer.status_code < 400:
            return
        answer.read()
        try:
            error = answer.json()["error"]
            lines = [
                f"{where}: {problem['message']}" if (where := _where(problem)) else str(problem["message"])
                for problem in error["problems"]
            ] or [error["message"]]
        except (ValueError, KeyError, TypeError):
            self.fail(f"{self.url} answers {answer.status_code}; is it a mockskaha server?", UNREACHABLE)
        self.fail("\n".join(lines), UNREACHABLE if answer.status_code in (401, 403) else USAGE)

    def get(self, path: str, **options: Any) -> Any:
        """Answered JSON."""
        return self.ask("GET", path, **options).json()

    # -- telling -----------------------------------------------------------------------------------------

    def show(self, answer: Any, *lines: str) -> None:
        """``answer`` as JSON, if that is wanted; else the lines."""
        if self.wants_json:
            from json import dumps

            typer.echo(dumps(answer, indent=2, ensure_ascii=False))
        else:
            for line in lines:
                typer.echo(line)

    def table(self, answer: Any, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
        """``answer`` as JSON, if that is wanted; else a table. Piped output is never folded."""
        if self.wants_json:
            self.show(answer)
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for name in header:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(cell(value) for value in row))
        console = Console(
            width=None if sys.stdout.isatty() else 250, highlight=False, markup=False, soft_wrap=False
        )
        console.print(table)

    def fail(self, text: str, code: int) -> NoReturn:
        """End the process."""
        for line in text.splitlines():
            typer.echo(f"error: {line}", err=True)
        raise typer.Exit(code)

    def usage(self, text: str) -> int:
        """Say how it is used; the exit code."""
        typer.echo(f"error: {text}", err=True)
        return USAGE


def cell(value: Any) -> str:
    """A value as a cell of a table."""
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:.10g}" if value == int(value) else f"{value:.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _where(problem: dict[str, Any]) -> str:
    line = f"line {problem['line']}" if problem.get("line") else ""
    return ": ".join(part for part in (line, problem.get("key", "")) if part)


def _media_type(document: bytes) -> str:
    return "application/json" if document.lstrip()[:1] in (b"{", b"[") else "application/yaml"


def _trust() -> Any:
    """Whom to believe over TLS: those of the machine, and those of ``SSL_CERT_FILE``, which the server names."""
    import os
    import ssl

    path = os.environ.get("SSL_CERT_FILE")
    return ssl.create_default_context(cafile=path) if path and os.path.isfile(path) else True  # noqa: PTH113
