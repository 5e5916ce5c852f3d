"""A typed answer that can be read as the dictionary it came from, too."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skahaclient.errors import UnexpectedAnswer


class Record(BaseModel):
    """Attributes are typed; items are those of the JSON object, ``raw``, as `canfar` gives them.

    A name the answer does not have is None if the service might tell it, and a KeyError otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)
    wording: ClassVar[str] = "an answer"

    raw: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    """The JSON object, as the service sent it."""

    @classmethod
    def of(cls, answer: Any) -> Self:
        """Read a JSON object. Raises `UnexpectedAnswer` for anything else."""
        if not isinstance(answer, dict):
            raise UnexpectedAnswer(f"{cls.wording} was expected, and not {str(answer)[:60]!r}")
        try:
            return cls.model_validate({**answer, "raw": answer})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UnexpectedAnswer(f"{cls.wording} without a usable {where}: {first['msg']}") from None

    @property
    def _items(self) -> Mapping[str, Any]:
        return self.raw

    @classmethod
    def _may_have(cls) -> set[str]:
        return {field.alias or name for name, field in cls.model_fields.items()} - {"raw"}

    def __getitem__(self, name: str) -> Any:
        items = self._items
        if name not in items and name not in self._may_have():
            raise KeyError(name)
        return items.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def get(self, name: str, default: Any = None) -> Any:
        return self._items.get(name, default)

    def keys(self) -> KeysView[str]:
        return self._items.keys()

    def items(self) -> ItemsView[str, Any]:
        return self._items.items()

    def __bool__(self) -> bool:
        return True
