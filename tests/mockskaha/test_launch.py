"""``POST /v1/session``: what is refused, in which order, with which bytes."""

import base64
import itertools

import pytest

pytestmark = pytest.mark.evidence("skaha-contract §3.3")

SESSIONS = "/skaha/v1/session"
IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
PRIVATE = "images.canfar.net/survey-team/pipeline:1.0"
UNKNOWN = (
    "No authentication provided for unknown or private image.  Use x-skaha-registry-auth request header with "
    "base64Encode(username:secret)."
)
FORM = "application/x-www-form-urlencoded"
MISSING_JOB = "unexpected exception: java.lang.RuntimeException: io.kubernetes.client.openapi.ApiException: "

FAULTS = [
    ({"image": None}, "Missing parameter 'image'"),
    ({"image": "  "}, "image is required"),
    (
        {"image": "docker.io/library/alpine:3"},
        "session image 'docker.io/library/alpine:3' must come from one of [images.canfar.net]",
    ),
    ({"type": "jupyter"}, "Invalid session type: jupyter"),
    ({"cores": "17"}, "Invalid value for 'cores': 17"),
    ({"ram": "3"}, "Invalid value for 'ram': 3"),
    ({"name": None}, "Missing parameter 'name'"),
    ({"name": "a_b"}, "name can only contain alpha-numeric chars and '-'"),
    ({}, "User alice has reached the maximum of 0 active sessions."),
    ({"gpus": "0"}, "Invalid value for 'gpus': 0"),
    ({"image": f"{IMAGE}-gone"}, UNKNOWN),
    ({"name": "-a"}, "canfar.net/name label value cannot be blank"),
]
"""What is sent beside a good launch, in the order in which it is refused."""
LIMIT = 8
PAIRS = [
    (first, second)
    for first, second in itertools.combinations(range(len(FAULTS)), 2)
    if not FAULTS[first][0].keys() & FAULTS[second][0].keys()
]


def launched(skaha, *changes, **options):
    form = {"image": IMAGE, "name": "test", "type": "notebook"}
    for change in changes:
        form |= change
    return skaha.post(SESSIONS, {key: value for key, value in form.items() if value is not None}, **options)


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_each_fault_has_its_text(start, number):
    skaha = start(sessions={"max_interactive": 0 if number == LIMIT else 5})
    change, text = FAULTS[number]
    assert launched(skaha, change).told == (400, "text/plain", f"{text}\n")
    assert skaha.sessions() == []


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_faults_the_first_in_order_is_told(start, first, second):
    change, text = FAULTS[first]
    skaha = start(sessions={"max_interactive": 0 if LIMIT in (first, second) else 5})
    assert launched(skaha, FAULTS[second][0], change).told == (400, "text/plain", f"{text}\n")


def test_all_faults_at_once_are_told_one_after_the_other(start):
    skaha = start(sessions={"max_interactive": 0})
    wrong = {"image": None, "type": "jupyter", "cores": "x", "ram": "x", "name": None, "gpus": "x"}
    told = []
    for mended in ({}, {"image": ""}, {"image": "x"}, {"image": f"{IMAGE}x"}, {"type": "carta"}, {"cores": "1"},
                   {"ram": "1"}, {"name": "a b"}, {"name": "-"}, {"type": "headless"}, {"gpus": "1"},
                   {"image": IMAGE}, {"name": "a"}):  # fmt: skip
        wrong |= mended
        told.append(launched(skaha, wrong).text.rstrip("\n"))
    assert told[:-1] == [
        "Missing parameter 'image'",
        "image is required",
        "session image 'x' must come from one of [images.canfar.net]",
        "Invalid session type: jupyter",
        "Invalid value for 'cores': x",
        "Invalid value for 'ram': x",
        "Missing parameter 'name'",
        "name can only contain alpha-numeric chars and '-'",
        "User alice has reached the maximum of 0 active sessions.",
        "Invalid value for 'gpus': x",
        UNKNOWN,
        "canfar.net/name label value cannot be blank",
    ]
    assert [session["id"] for session in skaha.sessions()] == [told[-1]]


def test_who_calls_is_asked_first(skaha):
    reply = launched(skaha.as_user(None), {"image": None})
    assert reply.told == (401, "text/plain", "Unauthorized\n")


@pytest.mark.evidence("skaha-contract §2.7, §4.1")
def test_a_launch_answers_200_and_the_bare_id(skaha):
    reply = launched(skaha)
    assert reply.told[:2] == (200, "text/plain")
    identifier, newline = reply.text[:8], reply.text[8:]
    assert newline == "\n"
    assert identifier[0].isalpha()
    assert all(character in "abcdefghijklmnopqrstuvwxyz0123456789" for character in identifier)
    assert skaha.get().json[0]["id"] == identifier


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_a_session_without_type_is_headless(skaha, sent):
    found = launched(skaha, {"type": sent}).text.strip()
    assert skaha.session(found)["type"] == "headless"


@pytest.mark.parametrize("sent", ["Notebook", " carta ", "FIREFLY", "headless", "contributed", "desktop"])
def test_types_are_read_in_any_case(skaha, sent):
    assert skaha.session(launched(skaha, {"type": sent}).text.strip())["type"] == sent.strip().lower()


@pytest.mark.parametrize("sent", ["jupyter", "note book", "desktop_app", "headless,carta"])
def test_unknown_types_are_named_as_sent(skaha, sent):
    assert launched(skaha, {"type": sent}).told == (400, "text/plain", f"Invalid session type: {sent}\n")


def test_any_public_image_can_be_any_type(skaha):
    found = launched(skaha, {"image": "images.canfar.net/skaha/carta:5.1.0", "type": "headless"})
    assert found.status == 200


def test_the_host_of_an_image_is_a_mere_prefix(start):
    skaha = start(registry={"hosts": ["images.canfar.net", "images-rc.canfar.net"]})
    assert launched(skaha, {"image": "images.canfar.netEVIL/x"}).text == f"{UNKNOWN}\n"
    assert launched(skaha, {"image": "images-rc.canfar.net/x/y:1"}).text == f"{UNKNOWN}\n"
    assert launched(skaha, {"image": "docker.io/x"}).text == (
        "session image 'docker.io/x' must come from one of [images.canfar.net, images-rc.canfar.net]\n"
    )


@pytest.mark.parametrize("name", ["a_b", "a.b", "a b", "ä", "a/b", "a\nb", "a\n"])
def test_bad_names(skaha, name):
    assert launched(skaha, {"name": name}).text == "name can only contain alpha-numeric chars and '-'\n"


@pytest.mark.parametrize("name", [" ", "", "\t"])
def test_blank_names_are_missing(skaha, name):
    assert launched(skaha, {"name": name}).text == "Missing parameter 'name'\n"


@pytest.mark.parametrize("name", ["-", "---", "-a", "--a-b"])
def test_names_that_leave_no_label(skaha, name):
    assert launched(skaha, {"name": name}).text == "canfar.net/name label value cannot be blank\n"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a-"},
        {"name": "a" * 64},
        {"type": "headless", "cmd": 'say "hi"'},
        {"type": "headless", "cmd": "echo", "args": '"hi"'},
        {"type": "headless", "cmd": "echo", "args": "a\nb"},
        {"env": 'A="b"'},
        {"env": "=b"},
    ],
)
def test_what_kubernetes_refuses_is_found_missing(skaha, wrong):
    reply = launched(skaha, wrong)
    assert reply.told[:2] == (500, "text/plain")
    assert reply.text.startswith(MISSING_JOB)
    assert not reply.text.endswith("\n")
    assert skaha.sessions() == []


@pytest.mark.evidence("skaha-contract §3.3, headless quirks [INF]")
@pytest.mark.differs(
    "`$` in a command, argument or variable is harmless; `quirks: {dollar_breaks: true}` refuses it, as follows "
    "from the source"
)
@pytest.mark.parametrize("wrong", [{"cmd": "$A"}, {"cmd": "echo", "args": "a $B"}, {"env": "A=$B"}])
def test_a_dollar_sign_breaks_a_launch_if_it_shall(start, wrong):
    batch = {"type": "headless"} | wrong
    assert launched(start(), batch).status == 200
    skaha = start(quirks={"dollar_breaks": True})
    assert launched(skaha, batch).told == (400, "text/plain", "Illegal group reference\n")
    assert launched(skaha, {"type": "headless"}).status == 200


def test_the_longest_name(skaha):
    assert launched(skaha, {"name": "a" * 63}).status == 200


def test_desktop_app_is_no_type_to_launch(start):
    reply = launched(start(), {"type": "desktop-app"})
    assert reply.told[:2] == (500, "text/plain")
    assert reply.text.startswith("unexpected exception: java.nio.file.NoSuchFileException: ")
    assert reply.text.endswith("launch-desktop_app.yaml")
    assert launched(start(sessions={"max_interactive": 0}), {"type": "desktop-app"}).status == 400


@pytest.mark.evidence("skaha-contract §3.3 (9), §4.7")
def test_the_session_limit_counts_running_and_pending_interactive_sessions(skaha):
    headless = [skaha.create() for _ in range(7)]
    ids = [skaha.create(type=kind) for kind in ("notebook", "carta", "desktop", "firefly")]
    skaha.until(ids[2], "Running")
    skaha.create_app(ids[2])
    ids.append(skaha.create(type="contributed"))
    refused = (400, "text/plain", "User alice has reached the maximum of 5 active sessions.\n")
    assert launched(skaha).told == refused
    assert launched(skaha.as_user("bob")).status == 200
    assert skaha.status(headless[0]) == "Running"
    assert launched(skaha, {"type": "headless"}).status == 200
    skaha.delete(f"{SESSIONS}/{ids[0]}")
    assert launched(skaha, {"env": "MOCKSKAHA_RUNTIME=1s"}).status == 200
    assert launched(skaha).told == refused
    skaha.advance(10)
    assert sorted(session["status"] for session in skaha.sessions(type="notebook")) == ["Completed"]
    assert launched(skaha).status == 200


def header(text):
    return {"X-Skaha-Registry-Auth": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("credentials", "text"),
    [
        (header("alice"), "Invalid input.  Must be in form of username:secret"),
        (header("a:b:c"), "Invalid input.  Must be in form of username:secret"),
        (header("alice:"), "Invalid input.  Must be in form of username:secret"),
        (header(":secret"), "username is required."),
        (header(" :secret"), "username is required."),
        (header("alice: "), "secret value cannot be empty."),
        ({}, UNKNOWN),
    ],
)
def test_registry_credentials_are_looked_at(skaha, credentials, text):
    reply = launched(skaha, {"image": PRIVATE}, headers=credentials)
    assert reply.told == (400, "text/plain", f"{text}\n")


@pytest.mark.evidence("skaha-contract §3.3 (12), §5.1")
def test_credentials_open_private_images_and_images_that_do_not_exist(start):
    gone = "images.canfar.net/nobody/nothing:0"
    skaha = start(extra_images=[{"id": gone, "types": ["headless"], "public": False, "pull": "not-found"}])
    private = launched(skaha, {"image": PRIVATE}, headers=header("alice:secret")).text.strip()
    missing = launched(skaha, {"image": gone}, headers=header("alice:secret")).text.strip()
    skaha.until(private, "Running")
    skaha.advance(60)
    assert skaha.status(missing) == "Pending"
    events = skaha.events(missing).text
    assert f'Failed to pull image "{gone}"' in events
    assert "Error: ErrImagePull" in events
    assert "Error: ImagePullBackOff" in events
    assert f'Back-off pulling image "{gone}"' in events


def test_a_username_that_is_no_label_is_refused(start):
    users = [{"username": name, "uid": 1} for name in ("o'neil", "_a", "x" * 63)]
    skaha = start(users=users)
    text = "canfar.net/username label value must match Kubernetes label value syntax\n"
    for name in ("o'neil", "_a"):
        assert launched(skaha.as_user(name)).told == (400, "text/plain", text)
    assert launched(skaha.as_user("x" * 63)).status == 200


# How parameters travel


@pytest.mark.evidence("skaha-contract §1.2")
def test_parameters_of_the_query_count_with_the_media_type_of_a_form_only(skaha):
    query = {"image": IMAGE, "name": "test"}
    assert skaha.post(SESSIONS, query=query, content_type=FORM).status == 200
    assert skaha.post(SESSIONS, query=query, content_type=f"{FORM}; charset=UTF-8").status == 200
    missing = (400, "text/plain", "Missing parameter 'image'\n")
    assert skaha.request("POST", SESSIONS, query=query).told == missing
    for media_type in ("application/json", "text/plain"):
        body = b'{"image": "images.canfar.net/skaha/terminal:1.1.2", "name": "test"}'
        assert skaha.post(SESSIONS, query=query, content_type=media_type, body=body).told == missing


@pytest.mark.evidence("skaha-contract §1.2")
def test_names_are_read_in_any_case_the_query_wins_and_the_first_value_counts(skaha):
    found = skaha.post(
        SESSIONS,
        {"Image": IMAGE, "NAME": ["one", "two"], "name ": "three", "TYPE": "carta"},
        query={"TYPE": "firefly"},
    )
    session = skaha.session(found.text.strip())
    assert (session["name"], session["type"]) == ("one", "firefly")


@pytest.mark.evidence("skaha-contract §1.2, §1.4")
def test_one_name_in_two_spellings_is_an_error_without_a_message(skaha):
    reply = skaha.post(SESSIONS, {"image": IMAGE, "Image": IMAGE, "name": "a"})
    assert reply.told == (400, "text/plain", "null\n")
    assert reply.header("x-vo-authenticated") == "alice"


@pytest.mark.evidence("skaha-contract §1.2")
def test_a_multipart_form_hides_the_query(skaha):
    fields = {"image": IMAGE, "name": "form"}
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    reply = skaha.post(
        SESSIONS,
        query={"name": "query", "type": "carta"},
        content_type="multipart/form-data; boundary=b",
        body=f"{body}--b--\r\n".encode(),
    )
    session = skaha.session(reply.text.strip())
    assert (session["name"], session["type"]) == ("form", "headless")


@pytest.mark.evidence("skaha-contract §3.1")
def test_a_body_of_more_than_a_mebibyte_is_refused(skaha):
    body = f"image={IMAGE}&name=a&x=".encode()
    reply = skaha.post(SESSIONS, content_type=FORM, body=body.ljust(2**20 + 1, b"x"))
    assert reply.told == (413, "text/plain", "limit: 1048576\n")
    assert skaha.post(SESSIONS, content_type=FORM, body=body.ljust(2**20, b"x")).status == 200


# Commands and variables of batch jobs


def printed(skaha, **params):
    found = skaha.create(**params)
    skaha.advance(30)
    return skaha.logs(found)


@pytest.mark.evidence("skaha-contract §3.3, headless quirks")
@pytest.mark.parametrize(
    ("args", "said"),
    [("a b", "a b"), ("a  b", "a  b"), (" a", " a"), ("a   ", "a"), ("", ""), ("a\tb", "a\tb")],
)
def test_arguments_are_split_on_single_spaces(skaha, args, said):
    assert printed(skaha, cmd="echo", args=args) == f"{said}\n"


@pytest.mark.evidence("skaha-contract §3.3, headless quirks")
def test_a_command_is_never_split(skaha):
    found = skaha.create(cmd="sleep 60", args="")
    skaha.until(found, "Failed")
    assert skaha.logs(found) == ""
    assert 'exec: "sleep 60": executable file not found in $PATH' in skaha.events(found).text


@pytest.mark.evidence("skaha-contract §3.3, headless quirks; §4.6")
def test_variables_need_exactly_one_equals_sign(skaha):
    env = [
        "A=1",
        "B=",
        "C=a=b",
        "D",
        "=",
        "E=e=",
        "F= f ",
        "A=2",
        "HOME=/mine",
        "OMP_NUM_THREADS=99",
        "PWD=/p",
    ]
    text = printed(skaha, cmd="env", args="", env=env, cores=3, ram=4, name="Reduce")
    found = skaha.sessions()[0]["id"]
    assert text.splitlines() == [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=reduce",
        "A=2",
        "E=e",
        "F= f ",
        "HOME=/cavern/home/alice",
        "OMP_NUM_THREADS=3",
        "PWD=/cavern/home/alice",
        "skaha_hostname=127.0.0.1",
        "skaha_username=alice",
        f"skaha_sessionid={found}",
    ]


@pytest.mark.evidence("skaha-contract §3.3, headless quirks")
def test_commands_of_other_types_are_ignored(skaha):
    found = skaha.create(type="notebook", cmd="false", args="x")
    skaha.until(found, "Running")
    skaha.advance(86400)
    assert skaha.status(found) == "Running"


@pytest.mark.evidence("skaha-contract §1.2: inferred, so it can be switched off")
def test_two_spellings_can_be_let_through(start):
    skaha = start(quirks={"case_conflict_error": False})
    assert skaha.get(f"{SESSIONS}?type=notebook&TYPE=headless").told == (200, "application/json", "[]")
