"""The hypothetical job of a forecast, from ``cores=8,ram=32,kind=headless``."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, ValidationError

from skahasim.configuration import Section
from skahasim.resources import Resources
from skahasim.workload.arrival import Arrival
from skahasim.workload.canfar_settings import packaged_parameters
from skahasim.workload.duration import SecondsField


class BadJob(ValueError):
    """A description of a job that cannot be understood."""


class WantedJob(Section):
    """What would be submitted. Without ``cores`` and ``ram`` it is a flexible session."""

    cores: float | None = Field(default=None, gt=0)
    ram: float | None = Field(default=None, gt=0)
    """GiB."""
    gpus: int = Field(default=0, ge=0)
    kind: str = "headless"
    user: str = "user"
    group: str = ""
    priority_class: str = ""
    queue: str = ""
    requested: SecondsField | None = None
    """Requested time, what backfilling plans with: seconds, or ``4h``."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``key=value,key=value``. Raises :class:`BadJob`."""
        values: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            key, equals, value = part.partition("=")
            if not equals or key in values:
                raise BadJob(f"--job {text}: should be key=value,key=value, each key once; see {part!r}")
            values[key] = value
        try:
            found = cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = str(first["loc"][0]) if first["loc"] else text
            known = ", ".join(cls.model_fields)
            message = (
                f"unknown key; known: {known}" if first["type"] == "extra_forbidden" else first["msg"].lower()
            )
            raise BadJob(f"--job: {key}: {message}") from None
        if (found.cores is None) != (found.ram is None):
            raise BadJob("--job: a fixed job has cores and ram, a flexible one neither")
        return found

    def arrival(self) -> Arrival:
        """The job. How long it would run does not matter: the forecast ends when it starts."""
        if self.cores is not None and self.ram is not None:
            request = limit = Resources.of(self.cores, self.ram, self.gpus)
        else:
            sizes = packaged_parameters().flexible
            request = Resources.of(sizes.request_cores, sizes.request_ram_gib, self.gpus)
            limit = Resources.of(sizes.limit_cores, sizes.limit_ram_gib, self.gpus)
        return Arrival(
            number=0, submit_time=0.0, request=request, limit=limit, run_seconds=1.0,
            requested_seconds=self.requested, name="forecast", user=self.user, group=self.group, kind=self.kind,
            priority_class=self.priority_class, queue=self.queue,
        )  # fmt: skip

    def described(self) -> str:
        """In a few words."""
        request = self.arrival().request
        gpus = f", {request.gpus} GPUs" if request.gpus else ""
        sort = "fixed" if self.cores is not None else "flexible"
        return f"a {sort} {self.kind} job of {request.cores:g} cores, {request.ram_gib:g} GiB{gpus}"
