"""Names that are safe to be files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError
from bench.files.names import is_safe_name, safe_name


@pytest.mark.parametrize("name", ["a", "9", "left_core", "v1.2-b", "x" * 80])
def test_a_safe_name_stays_as_it_is(name):
    assert is_safe_name(name)
    assert safe_name(name, "name") == name


@pytest.mark.parametrize(
    "name", ["", "\u00fc", " a", "a ", "a\n", "-a", "a-", ".a", "_", "a/b", "a:b", "a,b", "..", "x" * 81]
)
def test_what_would_be_changed_is_no_safe_name(name):
    assert not is_safe_name(name)


@given(st.text(max_size=100))
def test_a_name_that_was_made_safe_is_safe(text):
    try:
        name = safe_name(text, "name")
    except DataError:
        return
    assert is_safe_name(name)
    assert is_safe_name(text) == (name == text)


@pytest.mark.parametrize("name", ["CON", "nul", "Aux.txt", "COM1", "lpt9.nii"])
def test_what_windows_takes_for_a_device_is_no_name(name):
    assert not is_safe_name(name)
    with pytest.raises(DataError, match="Windows"):
        safe_name(name, "case")


@pytest.mark.parametrize("name", ["CONTROL", "nul1", "COM0", "auxiliary"])
def test_what_begins_like_a_device_is_a_name(name):
    assert is_safe_name(name)
    assert safe_name(name, "case") == name
