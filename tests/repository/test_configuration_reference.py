"""The page about the configuration says what the code says."""

from tests.configuration_reference import PAGE, page


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "run: python -m tests.configuration_reference"
