"""Which parameters Skaha sees of a request."""

from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.errors import InvalidRequest
from mockskaha.http.parameters import MOST_FORM_BYTES, MOST_PARAMETERS, Parameters, parse

pytestmark = pytest.mark.evidence("skaha-contract §1.2")

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=cut"
PAIRS = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")))
)


def multipart(*parts: tuple[str, str]) -> bytes:
    """A body of headings and contents."""
    return (
        "".join(f"--cut\r\n{head}\r\n\r\n{content}\r\n" for head, content in parts).encode() + b"--cut--\r\n"
    )


def field(name: str, content: str) -> tuple[str, str]:
    return f'Content-Disposition: form-data; name="{name}"', content


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("content_type", [None, FORM, MULTIPART, "application/json"])
def test_reading_methods_have_the_query_string_alone(method: str, content_type: str | None) -> None:
    parameters = parse(method, b"view=stats", content_type, b"type=notebook")
    assert parameters == Parameters({"view": ["stats"]})


@pytest.mark.parametrize("content_type", [FORM, f"{FORM};charset=UTF-8", f"{FORM}; charset=utf-8"])
def test_a_urlencoded_post_has_the_query_string_and_then_the_body(content_type: str) -> None:
    parameters = parse("POST", b"name=a&env=X%3D1", content_type, b"env=Y=2&cores=2&name=b")
    assert parameters.get("name") == "a"
    assert parameters.values("env") == ["X=1", "Y=2"]
    assert parameters.get("cores") == "2"


def test_the_canfar_client_sends_everything_in_the_query_string() -> None:
    query = b"name=n&image=images.canfar.net%2Fskaha%2Fastroml%3Alatest&cores=2&ram=16&env=A%3D1&env=B%3D2"
    parameters = parse("POST", query, FORM, b"")
    assert list(parameters) == ["name", "image", "cores", "ram", "env"]
    assert parameters.get("image") == "images.canfar.net/skaha/astroml:latest"
    assert parameters.values("env") == ["A=1", "B=2"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "text/plain", f"{FORM} ;charset=UTF-8", ";"]
)
def test_any_other_content_type_hides_every_parameter(method: str, content_type: str | None) -> None:
    parameters = parse(method, b"image=x", content_type, b"name=y")
    assert not parameters
    assert parameters.get("image") is None


def test_tomcat_reads_the_body_of_a_post_of_exactly_that_type() -> None:
    assert parse("PUT", b"a=1", FORM, b"b=2") == Parameters({"a": ["1"]})
    assert parse("POST", b"a=1", FORM.title(), b"b=2") == Parameters({"a": ["1"]})


def test_names_are_found_in_any_case() -> None:
    parameters = parse("GET", b"VIEW=all", None, b"")
    assert parameters.get("view") == parameters.get("View") == "all"
    assert parameters.values("vIEW") == ["all"]
    assert "viEW" in parameters


def test_the_first_value_wins() -> None:
    parameters = parse("GET", b"type=carta&type=desktop", None, b"")
    assert parameters.get("type") == "carta"
    assert parameters.values("type") == ["carta", "desktop"]


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [("POST", b"name=a&Name=b", b""), ("POST", b"name=a", b"NAME=a"), ("GET", b"view=all&View=all", b"")],
)
def test_one_name_in_two_cases_is_refused(method: str, query: bytes, body: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"^null$"):
        parse(method, query, FORM, body)


def test_absent_is_not_empty() -> None:
    parameters = parse("GET", b"status=&detail&view=all", None, b"")
    assert parameters.get("status") == ""
    assert parameters.get("detail") == ""
    assert parameters.get("type") is None
    assert parameters.values("type") == []
    assert bool(parameters)
    assert not parse("GET", b"", None, b"")


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (b"a=%4&b=1", {"b": ["1"]}),
        (b"a=%zz&b=1", {"b": ["1"]}),
        (b"a=1&%b=1", {"a": ["1"]}),
        (b"a%=1&b=%", {}),
        (b"a=%%41&b=1", {"b": ["1"]}),
        (b"a=%%2F&b=%2%2F&c=%2f%3a", {"c": ["/:"]}),
        (b"=x&&b=1&", {"b": ["1"]}),
        (b"a=1=2", {"a": ["1=2"]}),
        (b"a+b=c+d%2Be", {"a b": ["c d+e"]}),
        (b"a=%26b%3D1", {"a": ["&b=1"]}),
        (b"a=%252F", {"a": ["%2F"]}),
        (b"a=1;b=2", {"a": ["1;b=2"]}),
        (b"a=%C3%A9&b=\xc3\xa9", {"a": ["é"], "b": ["é"]}),
        (b"a=%E9", {"a": ["\ufffd"]}),
    ],
)
def test_what_is_malformed_is_skipped(query: bytes, values: dict[str, list[str]]) -> None:
    assert parse("GET", query, None, b"") == Parameters(values)


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        (FORM, "Ã©"),
        (f"{FORM};charset=ISO-8859-1", "Ã©"),
        (f"{FORM};charset=UTF-8", "é"),
        (f'{FORM}; Charset="utf-8"', "é"),
        (f"{FORM};charset=windows-1252", "Ã©"),
        (f"{FORM};charset=us-ascii", "\ufffd\ufffd"),
        (f"{FORM};charset=no-such", "Ã©"),
        (f"{FORM};charset=", "Ã©"),
    ],
)
def test_a_body_is_latin_1_unless_it_says_otherwise(content_type: str, text: str) -> None:
    parameters = parse("POST", b"q=%C3%A9", content_type, b"a=%C3%A9&b=\xc3\xa9")
    assert parameters.get("q") == "é"
    assert (parameters.get("a"), parameters.get("b")) == (text, text)


def test_there_are_at_most_a_thousand_parameters() -> None:
    query = b"&".join(b"%%zz=0&&q%d=1" % number for number in range(MOST_PARAMETERS - 1))
    parameters = parse("POST", query, FORM, b"a=1&b=2")
    assert len(parameters) == MOST_PARAMETERS
    assert parameters.get("a") == "1"
    assert parameters.get("b") is None
    fields = multipart(*(field("env", str(number)) for number in range(MOST_PARAMETERS + 1)))
    assert len(parse("POST", b"", MULTIPART, fields).values("env")) == MOST_PARAMETERS


def test_a_form_that_is_too_long_is_not_looked_at() -> None:
    body = b"a=" + b"x" * (MOST_FORM_BYTES - 2)
    assert list(parse("POST", b"q=1", FORM, body)) == ["q", "a"]
    assert list(parse("POST", b"q=1", FORM, body + b"x")) == ["q"]


def test_multipart_has_its_fields_alone() -> None:
    body = multipart(
        field("name", "mine"),
        field("env", "A=1"),
        (
            'Content-Disposition: form-data; name="cores"; filename="cores.txt"\r\nContent-Type: text/plain',
            "8",
        ),
        ("content-disposition: FORM-DATA; name=ENV", "B=é\r\n--"),
        ("Content-Type: text/plain", "nameless"),
        ('Content-Disposition: attachment; name="ram"', "16"),
    )
    parameters = parse("POST", b"image=x&name=other", MULTIPART, body)
    assert parameters == Parameters({"name": ["mine"], "env": ["A=1", "B=é\r\n--"]})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", multipart(field("a", "1"))),
        ("multipart/form-data; boundary=", multipart(field("a", "1"))),
        (f"multipart/form-data; boundary={'x' * 300}", multipart(field("a", "1"))),
        ("multipart/form-data; boundary=\u20ac", multipart(field("a", "1"))),
        ("multipart/form-data; boundary=other", multipart(field("a", "1"))),
        (MULTIPART, multipart(field("a", "1"))[:-8]),
        (MULTIPART, b""),
        (MULTIPART, b"a=1"),
        (MULTIPART, b"--cut\r\nno header\r\n\r\n1\r\n--cut--\r\n"),
    ],
)
def test_malformed_multipart_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"^Malformed multipart/form-data request: ."):
        parse("POST", b"a=1", content_type, body)


@given(PAIRS)
def test_what_a_browser_encodes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    spelled = {name.lower(): name for name, _ in pairs}
    pairs = [(name, value) for name, value in pairs if spelled[name.lower()] == name]
    encoded = urlencode(pairs).encode()
    expected = Parameters.of(pairs)
    assert parse("GET", encoded, None, b"") == expected
    assert parse("POST", b"", f"{FORM};charset=utf-8", encoded) == expected


@given(
    st.lists(
        st.tuples(st.from_regex(r"[A-Za-z]{1,3}", fullmatch=True), st.text(st.characters(codec="utf-8")))
    )
)
def test_multipart_fields_are_read_back(pairs: list[tuple[str, str]]) -> None:
    pairs = [(name, value) for name, value in pairs if "--cut" not in value]
    body = multipart(*(field(name, value) for name, value in pairs))
    assert parse("POST", b"", MULTIPART, body) == Parameters.of(pairs)


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.binary() | st.text("a=&%4+2F;Z").map(str.encode),
    st.none()
    | st.sampled_from([FORM, f"{FORM};charset=utf-8", MULTIPART])
    | st.text().map(f"{MULTIPART};".__add__),
    st.binary() | st.binary().map(lambda junk: b"--cut\r\n" + junk + b"\r\n--cut--\r\n"),
)
def test_any_bytes_are_parameters_or_an_invalid_request(
    method: str, query: bytes, content_type: str | None, body: bytes
) -> None:
    try:
        parameters = parse(method, query, content_type, body)
    except InvalidRequest:
        return
    assert all(parameters.values(name) for name in parameters)


@given(st.binary())
def test_every_octet_survives_a_latin_1_form(octets: bytes) -> None:
    body = f"a={quote_plus(octets)}".encode()
    assert parse("POST", b"", FORM, body).get("a") == octets.decode("latin-1")
