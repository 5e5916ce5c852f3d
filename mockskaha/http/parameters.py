"""Request parameters, as Tomcat decodes them and Skaha's REST layer picks them up (skaha-contract §1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote_to_bytes

from mockskaha.errors import InvalidRequest

MOST_PARAMETERS = 1_000
"""Tomcat's ``maxParameterCount``: further parameters are dropped without a word."""
MOST_FORM_BYTES = 2 * 1024 * 1024
"""Tomcat's ``maxPostSize``: a longer urlencoded body is not looked at."""

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_QUERY_METHODS = frozenset({"GET", "HEAD", "DELETE"})
_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]+)', re.IGNORECASE)
_BODY_CODECS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "windows-1252": "cp1252"}


class Parameters:
    """The parameters of one request: names in any case, values in the order they came. True if there are any.

    ``values`` is taken as it is, and has its names in lower case.
    """

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, list[str]] | None = None) -> None:
        self._values = {} if values is None else values

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Parameters:
        """Parameters from names, in any case, and values."""
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name.lower(), []).append(value)
        return cls(values)

    def get(self, name: str) -> str | None:
        """The first value, ``""`` when the name stood alone, ``None`` when it was not sent."""
        found = self._values.get(name.lower())
        return found[0] if found else None

    def values(self, name: str) -> list[str]:
        """Every value, in order: of the query string, then of the body."""
        return list(self._values.get(name.lower(), ()))

    def __iter__(self) -> Iterator[str]:
        """The names, in lower case, in the order they first came."""
        return iter(self._values)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Parameters) else NotImplemented

    def __repr__(self) -> str:
        return f"Parameters({[(name, value) for name, values in self._values.items() for value in values]})"


def parse(
    method: str, query: bytes, content_type: str | None, body: bytes, *, one_spelling: bool = True
) -> Parameters:
    """The parameters Skaha sees (skaha-contract §1.2).

    GET, HEAD and DELETE have the query string, and no body is looked at. Other methods have parameters only
    with one of two content types: urlencoded, the query string first and then the body; multipart, the form
    fields alone. With any other or without one even the query string is ignored.

    Raises:
        InvalidRequest: a name was sent in two spellings that differ in case, which only multipart allows
            (text ``null``: the real service's exception has no message), unless ``one_spelling`` is off; or the
            multipart body is malformed.
    """
    if method in _QUERY_METHODS:
        return _urlencoded(query, b"", None, one_spelling) if query else Parameters()
    if content_type is None:
        return Parameters()
    media_type = content_type.partition(";")[0]
    if media_type.lower() == _URLENCODED:
        # Tomcat reads the body of a POST only, and minds the case of the type where Skaha does not.
        read = method == "POST" and media_type == _URLENCODED and len(body) <= MOST_FORM_BYTES
        return _urlencoded(query, body if read else b"", content_type, one_spelling)
    if media_type.startswith(_MULTIPART):
        return Parameters.of(_form_fields(content_type, body))
    return Parameters()


def _urlencoded(query: bytes, body: bytes, content_type: str | None, one_spelling: bool) -> Parameters:
    spelled: dict[str, list[str]] = {}
    room = _collect(query, "utf-8", spelled, MOST_PARAMETERS)
    if body:
        _collect(body, _body_codec(content_type or ""), spelled, room)
    folded = {name.lower(): values for name, values in spelled.items()}
    if len(folded) != len(spelled):
        if one_spelling:
            raise InvalidRequest("null")
        return Parameters.of((name, value) for name, values in spelled.items() for value in values)
    return Parameters(folded)


def _collect(text: bytes, codec: str, values: dict[str, list[str]], room: int) -> int:
    """Add urlencoded parameters, as many as there is room for, and return the room that is left.

    What has no name or a malformed escape is skipped, as Tomcat does.
    """
    plain = text.isascii()
    if b"%" in text:
        # Nearly every request has these two; neither character means anything below or completes an escape.
        text = text.replace(b"%2F", b"/").replace(b"%3A", b":")
    for chunk in text.replace(b"+", b" ").decode("latin-1").split("&"):
        name, _, value = chunk.partition("=")
        if not name:
            continue
        if "%" in chunk or not plain:
            if _MALFORMED_ESCAPE.search(chunk):
                continue
            name = _unquoted(name, codec)
            value = _unquoted(value, codec)
        if not room:
            break
        room -= 1
        if name in values:
            values[name].append(value)
        else:
            values[name] = [value]
    return room


def _unquoted(octets: str, codec: str) -> str:
    if "%" not in octets and octets.isascii():
        return octets
    return unquote_to_bytes(octets.encode("latin-1")).decode(codec, "replace")


def _body_codec(content_type: str) -> str:
    declared = _CHARSET.search(content_type) if ";" in content_type else None
    return _BODY_CODECS.get(declared[1].lower(), "latin-1") if declared else "latin-1"


def _form_fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The fields of a multipart body.

    Raises:
        InvalidRequest: there is no boundary, or the body does not follow it to its end.
    """
    # Few requests are multipart; the others start faster without it.
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    form = _Form(parse_options_header)
    try:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if boundary:
            MultipartParser(
                boundary,
                {
                    "on_part_begin": form.begin_part,
                    "on_header_field": form.add_header_name,
                    "on_header_value": form.add_header_value,
                    "on_header_end": form.end_header,
                    "on_part_data": form.add_content,
                    "on_part_end": form.end_part,
                    "on_end": form.end,
                },
            ).write(body)
    except (FormParserError, UnicodeError) as error:
        raise InvalidRequest(f"Malformed {_MULTIPART} request: {error}") from error
    if not boundary:
        raise InvalidRequest(f"Malformed {_MULTIPART} request: the Content-Type names no boundary")
    if not form.complete:
        raise InvalidRequest(f"Malformed {_MULTIPART} request: the body ends before its last boundary")
    return form.fields


class _Form:
    """What the parser finds: fields are kept, as UTF-8; files and parts without a name are not."""

    __slots__ = ("_content", "_disposition", "_name", "_options", "_value", "complete", "fields")

    def __init__(self, options: Callable[[bytes], tuple[bytes, dict[bytes, bytes]]]) -> None:
        self._options = options
        self._name = self._value = self._disposition = b""
        self._content: list[bytes] = []
        self.fields: list[tuple[str, str]] = []
        self.complete = False

    def begin_part(self) -> None:
        self._disposition = b""
        self._content.clear()

    def add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def add_content(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def end_part(self) -> None:
        kind, options = self._options(self._disposition)
        name = options.get(b"name")
        if kind != b"form-data" or name is None or b"filename" in options:
            return
        if len(self.fields) < MOST_PARAMETERS:
            content = b"".join(self._content)
            self.fields.append((name.decode("utf-8", "replace"), content.decode("utf-8", "replace")))

    def end(self) -> None:
        self.complete = True
