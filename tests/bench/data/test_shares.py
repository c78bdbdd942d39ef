"""How fine a share can be, and how few cases can be shared out."""

import pytest

from bench.data.split import quota, shares
from bench.errors import UsageError


@pytest.mark.parametrize(
    "text", ["1e-7", "0.0000001", "0.1234567", "0.1:0.9:1e-7", "0.1000001:0.9", "9e-300"]
)
def test_a_share_finer_than_a_millionth_is_refused(text):
    with pytest.raises(UsageError, match="millionth"):
        shares(text)


def test_a_millionth_and_zeros_behind_it_are_no_finer():
    assert shares("0.000001,0.30000000,0.123456") == ["0.000001", "0.123456", "0.3"]


@pytest.mark.parametrize("num_cases", [0, 1])
def test_fewer_than_two_cases_have_no_quota(num_cases):
    with pytest.raises(AssertionError):
        quota("0.5", num_cases)
