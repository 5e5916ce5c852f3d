"""How the control API says no: one shape, ``{"error": {"code", "message", "problems"}}``, and one exception for each
status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from skahasim.yamlfile import ConfigurationError, dotted

_MOST_PROBLEMS = 100
_LONGEST = 500
"""Characters of a message."""


class ProblemView(BaseModel):
    """One thing that is wrong with what was sent."""

    model_config = ConfigDict(extra="forbid")
    key: str
    """Where, as ``cluster.nodes[0].cores``; empty for all of it."""
    line: int | None
    """Of the document that was sent, from 1; ``null`` where it is not known."""
    message: str


class ErrorDetail(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")
    code: str
    """One word for programs."""
    message: str
    """A sentence for people."""
    problems: list[ProblemView]
    """All that is wrong with the input; empty where the message says it."""


class ErrorView(BaseModel):
    """The body of every answer from 400 on."""

    model_config = ConfigDict(extra="forbid")
    error: ErrorDetail


class ControlError(Exception):
    """What was asked for is not done; nothing has changed."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-input"

    def __init__(self, message: str, problems: Sequence[ProblemView] = ()) -> None:
        super().__init__(message)
        self.problems = problems
        self.headers: Mapping[str, str] = {}

    def response(self) -> JSONResponse:
        """The answer."""
        detail = ErrorDetail(
            code=self.code, message=str(self)[:_LONGEST], problems=list(self.problems[:_MOST_PROBLEMS])
        )
        return JSONResponse(ErrorView(error=detail).model_dump(), self.status, self.headers)


class BadInput(ControlError):
    """What was sent means nothing."""


class TokenWanted(ControlError):
    """The caller did not show the token."""

    status, code = 401, "token-wanted"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": 'Bearer realm="mockskaha control"'}


class Refused(ControlError):
    """The caller may not drive this server."""

    status, code = 403, "refused"


class NotFound(ControlError):
    """There is no such path, namespace, session, node or fault."""

    status, code = 404, "not-found"


class MethodNotAllowed(ControlError):
    """The path has other methods."""

    status, code = 405, "method-not-allowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        allow = ", ".join(allowed)
        super().__init__(f"{method[:20]} is no method of this path; it has {allow}")
        self.headers = {"Allow": allow}


class Conflict(ControlError):
    """It makes sense, and cannot be done in the present state."""

    status, code = 409, "conflict"


class TooLarge(ControlError):
    """The body is longer than is read."""

    status, code = 413, "too-large"


class WrongMediaType(ControlError):
    """The body is not said to be of a kind that is understood."""

    status, code = 415, "media-type"


def bad_values(details: Sequence[Any]) -> BadInput:
    """What Pydantic found wrong (``ValidationError.errors()``), as an answer."""
    problems = [
        ProblemView(key=_key(detail["loc"]), line=None, message=_said(detail)[:_LONGEST])
        for detail in details
    ]
    return BadInput(
        "; ".join(f"{p.key}: {p.message}" if p.key else p.message for p in problems[:3]), problems
    )


_TAGS = {("body", "by"), ("body", "until")}
"""FastAPI names the variant of a body before the key in it."""


def _key(place: tuple[str | int, ...]) -> str:
    return dotted(place[2:] if place[:2] in _TAGS else place[1:])


def _said(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "unknown key"
    if detail["type"] == "missing":
        return "is missing"
    text: str = detail["msg"]
    return text.removeprefix("Value error, ").replace("Input should be", "should be")


def bad_document(error: ConfigurationError) -> BadInput:
    """What is wrong with a document, as an answer with lines and keys."""
    problems = [
        ProblemView(key=dotted(problem.key), line=problem.origin.line, message=problem.message)
        for problem in error.problems
    ]
    return BadInput("; ".join(map(str, error.problems[:3])), problems)
