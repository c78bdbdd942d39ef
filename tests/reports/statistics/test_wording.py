import pytest

from reports.statistics.wording import probability, signed


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.12345, "+0.123"), (-2.0, "−2.000"), (0.0, "+0.000"), (-0.0, "+0.000"), (-0.0006, "−0.001"),
        (-0.0004, "−0.0004"), (0.00049, "+0.0005"), (0.0000023, "+0.000002"), (-4e-9, "−4e-09"),
    ],
)  # fmt: skip
def test_a_sign_is_never_rounded_away(number, text):
    assert signed(number) == text


def test_a_small_p_keeps_the_digits_that_count():
    assert (probability(0.0421), probability(0.00195), probability(0.0002)) == ("0.042", "0.002", "2.0e-04")
