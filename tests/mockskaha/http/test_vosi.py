from dataclasses import dataclass, field
from xml.etree import ElementTree

import pytest

from mockskaha.auth import Authenticator, AuthRules, Directory
from mockskaha.errors import InvalidRequest
from mockskaha.http.exchange import Answer, Call
from mockskaha.http.handlers import vosi
from mockskaha.http.parameters import parse
from mockskaha.identity import Identity
from mockskaha.tokens import TokenIssuer

pytestmark = pytest.mark.evidence("skaha-contract §8.1, §8.2, §8.3")

ALICE = Identity("alice", 10001, 10001)


@dataclass
class Site:
    base_url: str = "http://127.0.0.1:8080"
    manager: str = "oidc"
    authenticator: Authenticator = field(init=False)

    def __post_init__(self):
        rules = AuthRules(challenge_manager=self.manager)
        self.authenticator = Authenticator(Directory(), TokenIssuer(0), rules)


def call(method="GET", path="/skaha/capabilities", *, query=b"", body=b"", **options):
    parameters = parse(method, query, "application/x-www-form-urlencoded", body)
    return Call(method, path, (), parameters, **options)


def interfaces(answer):
    """(standardID, use, url, version, security method) of each interface, in file order."""
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "{http://www.ivoa.net/xml/VOSICapabilities/v1.0}capabilities"
    found = []
    for capability in root:
        assert capability.tag == "capability"
        for interface in capability:
            assert interface.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "vs:ParamHTTP"
            assert interface.get("role") == "std"
            [url] = interface.findall("accessURL")
            methods = [method.get("standardID") for method in interface.findall("securityMethod")]
            assert len(methods) <= 1
            found.append(
                (
                    capability.get("standardID"),
                    url.get("use"),
                    url.text,
                    interface.get("version"),
                    methods[0].removeprefix("ivo://ivoa.net/sso#") if methods else None,
                )
            )
    return found


def expected(skaha, methods):
    platform = "http://www.opencadc.org/std/platform#"
    based = [("vos://cadc.nrc.ca~vospace/CADC/std/Proc#sessions-1.0", f"{skaha}/v0")]
    based += [
        (f"{platform}{name}-1", f"{skaha}/v1/{name}")
        for name in ("session", "context", "image", "repository")
    ]
    return [
        ("ivo://ivoa.net/std/VOSI#capabilities", "full", f"{skaha}/capabilities", None, None),
        ("ivo://ivoa.net/std/VOSI#availability", "full", f"{skaha}/availability", None, None),
        (
            "vos://cadc.nrc.ca~vospace/CADC/std/Logging#control-1.0",
            "full",
            f"{skaha}/logControl",
            "1.0",
            None,
        ),
        *((standard, "base", url, "1.0", method) for standard, url in based for method in methods),
    ]


ALL = ("cookie", "tls-with-certificate", "token")


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "https://localhost:8443/"])
def test_capabilities_lead_to_this_server(base_url):
    answer = vosi.get_capabilities(Site(base_url), call())
    assert (answer.status, answer.content_type, answer.headers) == (200, "text/xml", ())
    assert interfaces(answer) == expected(f"{base_url.rstrip('/')}/skaha", ALL)


@pytest.mark.parametrize(("manager", "methods"), [("cadc", ALL), ("oidc", (None, None, "token"))])
def test_faithful_capabilities_are_https_without_port(manager, methods):
    answer = vosi.get_capabilities(Site(manager=manager), call(host="ws-uv.canfar.net"), faithful=True)
    assert interfaces(answer) == expected("https://ws-uv.canfar.net/skaha", methods)


def test_the_shape_of_capabilities():
    lines = vosi.get_capabilities(Site(), call()).body.decode().split("\r\n")
    assert lines[:6] == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1">',
        '  <capability standardID="ivo://ivoa.net/std/VOSI#capabilities">',
        '    <interface xsi:type="vs:ParamHTTP" role="std">',
        '      <accessURL use="full">http://127.0.0.1:8080/skaha/capabilities</accessURL>',
        "    </interface>",
    ]
    assert lines[-2:] == ["</vosi:capabilities>", ""]


def test_a_host_header_cannot_break_the_document():
    answer = vosi.get_capabilities(Site(), call(host="</accessURL><x>&"), faithful=True)
    assert interfaces(answer)[0][2] == "https://</accessURL><x>&/skaha/capabilities"


def test_head_has_the_media_type_alone():
    assert vosi.head_capabilities(Site(), call("HEAD")) == Answer(content_type="text/xml")


@pytest.mark.evidence("clients §1: canfar wants an OpenCADC VOSpace nodes binding beside Skaha")
def test_storage_has_a_nodes_binding():
    found = interfaces(vosi.get_storage_capabilities(Site(), call(path="/arc/capabilities")))
    nodes = "ivo://ivoa.net/std/VOSpace/v2.0#nodes"
    assert found == [
        (
            "ivo://ivoa.net/std/VOSI#capabilities",
            "full",
            "http://127.0.0.1:8080/arc/capabilities",
            None,
            None,
        ),
        *((nodes, "base", "http://127.0.0.1:8080/arc/nodes", "2.1", method) for method in ALL),
    ]


@pytest.mark.parametrize(("available", "word"), [(True, "true"), (False, "false")])
def test_availability(available, word):
    answer = vosi.get_availability(Site(), call(client_ip="192.0.2.7"), available=available)
    assert (answer.status, answer.content_type) == (200, "text/xml")
    assert answer.body.decode().split("\r\n") == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">',
        f"  <vosi:available>{word}</vosi:available>",
        "  <vosi:note>Skaha Service Available.",
        "",
        "Enabled Experimental Features:",
        " ExperimentalFeatures{featureGates={}}</vosi:note>",
        "  <!--<clientip>192.0.2.7</clientip>-->",
        "</vosi:availability>",
        "",
    ]


@pytest.mark.parametrize(
    "operation", [vosi.get_capabilities, vosi.get_storage_capabilities, vosi.get_availability]
)
def test_lines_may_end_with_lf(operation):
    unix, dos = operation(Site(), call(), crlf=False).body, operation(Site(), call()).body
    assert b"\r" not in unix
    assert dos == unix.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(("available", "status"), [(True, 200), (False, 503)])
def test_minimal_availability_is_the_status(available, status):
    answer = vosi.get_availability(Site(), call(query=b"DETAIL=min"), available=available)
    assert answer == Answer(status=status)


@pytest.mark.parametrize("address", ["--><x/><!--", "---", "a&b", "fe80::1%eth0"])
def test_an_address_cannot_break_the_document(address):
    answer = vosi.get_availability(Site(), call(client_ip=address))
    root = ElementTree.fromstring(answer.body)
    assert [child.tag.partition("}")[2] for child in root] == ["available", "note"]


@pytest.mark.parametrize("state", ["Offline", "ReadOnly", "ReadWrite"])
def test_setting_the_state_leads_back(state):
    answer = vosi.set_availability(Site(), call("POST", body=f"state={state}".encode()))
    assert answer == Answer(status=302, headers=(("Location", "http://127.0.0.1:8080/skaha/availability"),))


@pytest.mark.parametrize("body", [b"", b"state=", b"state=Gone", b"state=offline"])
def test_an_unknown_state_is_refused(body):
    with pytest.raises(InvalidRequest):
        vosi.set_availability(Site(), call("POST", body=body))


def test_log_levels():
    answer = vosi.get_log_control(Site(), call(identity=ALICE))
    assert answer == Answer(
        b"org.opencadc.permissions INFO\norg.opencadc.skaha INFO\nca.nrc.cadc.util INFO\n"
        b"ca.nrc.cadc.rest INFO\nca.nrc.cadc.net INFO\n",
        "text/plain",
    )


def test_setting_log_levels_leads_back():
    answer = vosi.set_log_control(Site(), call("POST", body=b"level=DEBUG", identity=ALICE))
    assert answer == Answer(status=303, headers=(("Location", "http://127.0.0.1:8080/skaha/logControl"),))


@pytest.mark.parametrize("operation", [vosi.get_log_control, vosi.set_log_control])
def test_nobody_controls_the_log(operation):
    assert operation(Site(), call()) == Answer(status=403)
