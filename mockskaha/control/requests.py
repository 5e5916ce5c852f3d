"""What the service was asked, and whether that is what should have been asked."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import Query as QueryParameters
from fastapi import Response
from pydantic import Field, model_validator

from mockskaha.control.form import Form, Query, View, Whole
from mockskaha.control.scope import Handlers, Here
from mockskaha.http.expectation import Expectation
from mockskaha.http.requests import MOST, Entry, Wanted, told


class ParameterView(View):
    """A parameter of the query or of the form."""

    name: str
    value: str


class BodyView(View):
    """A body that is no form."""

    base64: str
    cut: bool
    """It was longer."""


class RequestView(View):
    """One request and what became of it. What is secret is told as ``***``."""

    number: int
    """From 1, since the start or the last clearing."""
    time: float
    """Model time, in seconds."""
    method: str
    path: str
    operation: str | None
    """``operationId`` of the contract; ``null`` when none has this path and method."""
    user: str | None
    parameters: list[ParameterView]
    """Of the query and of the form, as sent."""
    headers: list[ParameterView]
    body: BodyView | None
    status: int
    bytes: int
    """Of the answer's body."""
    fault: str | None
    """Id of the fault that met it."""


class RequestList(View):
    """Requests, oldest first."""

    requests: list[RequestView]
    """The last ``limit`` of those that match."""
    count: int
    """How many match, of those kept."""
    forgotten: int
    """How many were dropped because there were too many."""


class RequestFilter(Query):
    """Which requests; what is left out does not matter."""

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    user: str | None = None
    status: int | None = Field(default=None, ge=100, le=599)
    fault: str | None = None
    limit: int = Field(default=100, ge=1, le=MOST)

    def wanted(self) -> Wanted:
        return Wanted(self.operation, self.method, self.path, self.user, self.status, self.fault)


class ExpectedRequests(Form):
    """How many of which requests there should be. What is left out does not matter."""

    operation: str | None = None
    """``operationId`` of the contract."""
    method: str | None = None
    path: str | None = None
    """Exact, or a pattern with ``*``."""
    user: str | None = None
    status: Whole | None = Field(default=None, ge=100, le=599)
    fault: str | None = None
    parameters: dict[str, str] = Field(default_factory=dict)
    """Each must have been sent; names in any case."""
    times: Whole | None = Field(default=None, ge=0, le=1_000_000_000)
    """Exactly so many."""
    at_least: Whole | None = Field(default=None, ge=0, le=1_000_000_000)
    """One, when nothing is said of how many."""
    at_most: Whole | None = Field(default=None, ge=0, le=1_000_000_000)

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if "times" in self.model_fields_set and self.model_fields_set & {"at_least", "at_most"}:
            raise ValueError("give either times, or at_least and at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is more than at_most")
        return self

    def expectation(self) -> Expectation:
        wanted = Wanted(
            self.operation, self.method, self.path, self.user, self.status, self.fault,
            tuple(self.parameters.items()),
        )  # fmt: skip
        if self.times is not None:
            return Expectation(wanted, self.times, self.times)
        if self.at_least is None and self.at_most is None:
            return Expectation(wanted, at_least=1)
        return Expectation(wanted, self.at_least, self.at_most)


class NearRequestView(View):
    """A request that came near."""

    request: RequestView
    differs: list[str]
    """In what it is not one of those that were expected."""


class VerificationView(View):
    """Whether the requests were as expected."""

    ok: bool
    count: int
    forgotten: int
    text: str
    """The same as a sentence."""
    nearest: list[NearRequestView]
    """When there were too few: the nearest of the others, nearest first."""


def request_view(entry: Entry) -> RequestView:
    view: Any = told(entry)
    return RequestView.model_validate(view)


async def list_requests(namespace: Here, query: Annotated[RequestFilter, QueryParameters()]) -> RequestList:
    journal = namespace.requests
    found = journal.matching(query.wanted())
    return RequestList(
        requests=[request_view(entry) for entry in found[-query.limit :]],
        count=len(found),
        forgotten=journal.count - len(journal),
    )


async def clear_requests(namespace: Here) -> Response:
    namespace.requests.clear()
    return Response(status_code=204)


async def verify_requests(namespace: Here, body: ExpectedRequests) -> VerificationView:
    verdict = body.expectation().judge(namespace.requests)
    return VerificationView(
        ok=verdict.ok,
        count=verdict.count,
        forgotten=verdict.forgotten,
        text=verdict.text,
        nearest=[
            NearRequestView(request=request_view(near.entry), differs=list(near.differs))
            for near in verdict.nearest
        ],
    )


HANDLERS: Handlers = {
    "listRequests": list_requests,
    "clearRequests": clear_requests,
    "verifyRequests": verify_requests,
}
