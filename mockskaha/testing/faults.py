"""What goes wrong on a platform, set and taken back by a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockskaha.faults.presets import faults_of, presets
from mockskaha.testing.options import refused

if TYPE_CHECKING:
    from mockskaha.namespace import Namespace


@dataclass(frozen=True, slots=True)
class Fault:
    """One that is set."""

    id: str
    description: str
    met: int
    """So many calls were for it."""
    struck: int
    """So many it struck."""


class Faults:
    """Those that are set, in order."""

    def __init__(self, namespace: Namespace, call: Callable[[Callable[[], Any]], Any]) -> None:
        self._namespace = namespace
        self._call = call

    @property
    def presets(self) -> dict[str, str]:
        """Names of the faults that come with mockskaha, and what they do."""
        return {name: preset.description for name, preset in presets().items()}

    def add(self, preset: str | None = None, /, **fault: Any) -> str:
        """Set a preset by name, or a fault of one's own; returns its id. Keywords are those of a fault in a
        configuration file (``docs/configuration.md``, ``faults[]``), and a preset's own.

        ``add("bad-gateway-after-create", user="bob", times=1)``, ``add(operation="listSessions", status=503)``. Raises
        ``BadOptions``.
        """
        given: Mapping[str, Any] = fault if preset is None else {"preset": preset, **fault}

        def added() -> str:
            platform = self._namespace.platform
            return self._namespace.faults.add(faults_of([given]), platform.catch_up())[0].id

        try:
            made: str = self._call(added)
        except ValueError as error:
            raise refused(error) from None
        return made

    def remove(self, fault_id: str) -> None:
        """Take one back. Raises ``LookupError`` when there is none of this id."""
        if not self._call(lambda: self._namespace.faults.remove(fault_id)):
            raise LookupError(
                f"there is no fault {fault_id!r}; there is {', '.join(f.id for f in self) or 'none'}"
            )

    def clear(self) -> None:
        """Take all back."""
        self._call(self._namespace.faults.clear)

    def __iter__(self) -> Iterator[Fault]:
        def listed() -> list[Fault]:
            return [
                Fault(fault.id, fault.rule.description, fault.met, fault.struck)
                for fault in self._namespace.faults
            ]

        return iter(self._call(listed))

    def __getitem__(self, fault_id: str) -> Fault:
        """The one with this id. Raises ``LookupError``."""
        for fault in self:
            if fault.id == fault_id:
                return fault
        raise LookupError(f"there is no fault {fault_id!r}")

    def __len__(self) -> int:
        return len(self._namespace.faults)
