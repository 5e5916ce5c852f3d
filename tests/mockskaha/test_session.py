"""Names as Kubernetes has them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.session import app_job_name, app_name, is_label, job_name, label_name

LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


@pytest.mark.evidence("skaha-contract §2.4, §3.3 (13)")
@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Reduce-1", "reduce-1"), ("a-", "a"), ("a--", "a"), ("-a", ""), ("---", ""), ("a" * 70, "a" * 63),
        ("a" * 62 + "-bc", "a" * 62),
    ],
)  # fmt: skip
def test_a_name_becomes_a_label(name, label):
    assert label_name(name) == label


@pytest.mark.evidence("skaha-contract §2.4, §3.4")
@given(st.text(alphabet="aZ0-_. é\n"))
def test_a_label_is_one(text):
    assert is_label(text) == bool(LABEL.fullmatch(text))
    assert LABEL.fullmatch(label_name(text))
    assert len(label_name(text * 9)) <= 63


@pytest.mark.evidence("skaha-contract §4.1")
def test_names_of_jobs():
    assert job_name("notebook", "Alice.B_c", "kx3w9q2d") == "skaha-notebook-alice-b-c-kx3w9q2d"
    terminal = "images.canfar.net/skaha/terminal:1.1.2"
    assert app_job_name("d3skt0px", "t4x", "al_ice", terminal) == "d3skt0px-t4x-al-ice-terminal-1-1-2"


@pytest.mark.evidence("skaha-contract §4.1, §2.11")
@given(user=st.text(alphabet="aZ0-_.é"), image=st.text(alphabet="aZ0-_./:é "))
def test_the_name_of_an_apps_job_is_short_and_valid(user, image):
    name = app_job_name("d3skt0px", "t4x", user, image)
    assert name.startswith("d3skt0px-t4x")
    assert len(name) <= 57
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert not set(app_name(image)) & set(":._/ABCDEFGHIJKLMNOPQRSTUVWXYZ")
