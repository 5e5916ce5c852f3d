"""A session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from skahaclient.models.moment import moment
from skahaclient.models.quantity import cores, gib, present, whole
from skahaclient.models.record import Record

Kind = Literal["headless", "notebook", "desktop", "carta", "contributed", "firefly", "desktop-app"]
KINDS: tuple[str, ...] = get_args(Kind)
Status = Literal["Pending", "Running", "Succeeded", "Failed", "Terminating", "Unknown"]
STATUSES: tuple[str, ...] = get_args(Status)
FINISHED = frozenset({"Succeeded", "Failed"})

_WORDS: tuple[tuple[str, Status], ...] = (
    ("pending", "Pending"),
    ("suspended", "Pending"),
    ("running", "Running"),
    ("succe", "Succeeded"),
    ("complete", "Succeeded"),
    ("fail", "Failed"),
    ("error", "Failed"),
    ("terminating", "Terminating"),
)
_REASON = re.compile(r"\(([^()]*)\)\s*$")
_NOT_APPLICABLE = "not-applicable"


def status_of(word: Any) -> Status:
    """One word for what the versions of Skaha call differently (skaha-contract part 10): ``Completed`` is
    ``Succeeded``, ``Failed (OOMKilled)`` is ``Failed``; anything else is ``Unknown``."""
    told = word.strip().lower() if isinstance(word, str) else ""
    return next((status for begin, status in _WORDS if told.startswith(begin)), "Unknown")


def _text(value: Any) -> str | None:
    found = present(value)
    return None if found is None else str(found)


def _url(value: Any) -> str | None:
    found = _text(value)
    return None if found == _NOT_APPLICABLE else found


def _flag(value: Any) -> bool | None:
    told = value.strip().lower() if isinstance(value, str) else value
    return told if isinstance(told, bool) else {"true": True, "false": False}.get(str(told))


def _groups(value: Any) -> list[int]:
    listed = value if isinstance(value, list | tuple) else []
    return [number for each in listed if (number := whole(each)) is not None]


def _kind(value: Any) -> str:
    return (_text(value) or "headless").lower()


def _word(value: Any) -> str:
    return _text(value) or ""


Text = Annotated[str | None, BeforeValidator(_text)]
Word = Annotated[str, BeforeValidator(_word)]
Time = Annotated[datetime | None, BeforeValidator(moment)]
Cores = Annotated[float | None, BeforeValidator(cores)]
Gib = Annotated[float | None, BeforeValidator(gib)]
Count = Annotated[int | None, BeforeValidator(whole)]


class SessionInfo(Record):
    """A session, as any version of Skaha tells it (skaha-contract §2.1, part 10).

    Times are UTC; amounts of memory are GiB; None is what the service does not tell. As an item, ``info["status"]``,
    each value is as the service sent it, but for the status, which is that of this class, and for what it writes for
    nothing (``"<none>"``), which is None.
    """

    wording: ClassVar[str] = "a session"

    id: Annotated[str, BeforeValidator(_word)] = Field(min_length=1)
    name: Word = ""
    kind: Annotated[str, BeforeValidator(_kind)] = Field(default="headless", alias="type")
    status: Annotated[Status, BeforeValidator(status_of)] = "Unknown"
    status_reason: str | None = None
    """What some versions say in brackets: why it failed."""
    image: Word = ""
    userid: Word = ""
    start_time: Time = Field(default=None, alias="startTime")
    expiry_time: Time = Field(default=None, alias="expiryTime")
    connect_url: Annotated[str | None, BeforeValidator(_url)] = Field(default=None, alias="connectURL")
    is_fixed: Annotated[bool | None, BeforeValidator(_flag)] = Field(default=None, alias="isFixedResources")
    requested_cores: Cores = Field(default=None, alias="requestedCPUCores")
    requested_ram: Gib = Field(default=None, alias="requestedRAM")
    requested_gpus: Count = Field(default=None, alias="requestedGPUCores")
    cores_in_use: Cores = Field(default=None, alias="cpuCoresInUse")
    ram_in_use: Gib = Field(default=None, alias="ramInUse")
    gpu_ram_in_use: Text = Field(default=None, alias="gpuRAMInUse")
    gpu_utilization: Text = Field(default=None, alias="gpuUtilization")
    run_as_uid: Text = Field(default=None, alias="runAsUID")
    run_as_gid: Text = Field(default=None, alias="runAsGID")
    supplemental_groups: Annotated[list[int], BeforeValidator(_groups)] = Field(
        default_factory=list, alias="supplementalGroups"
    )
    app_id: Text = Field(default=None, alias="appid")

    @model_validator(mode="before")
    @classmethod
    def _reason(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("status"), str):
            match = _REASON.search(values["status"])
            return {**values, "status_reason": match[1].strip() if match else None}
        return values

    @cached_property
    def _items(self) -> Mapping[str, Any]:
        told = {name: value for name, value in self.raw.items() if present(value) is not None}
        return {**told, "status": self.status}

    @classmethod
    def _may_have(cls) -> set[str]:
        return super()._may_have() - {"status_reason"}

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in FINISHED
