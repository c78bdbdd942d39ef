"""What every fuzzed file must do: be read, or be refused in a sentence of ours, in bounded memory."""

import resource
from pathlib import Path

import pytest

from bench.errors import BenchError

ROOM = (
    2**30
)  # bytes that a tiny file may take beyond what the process has: far below any promise of gigabytes


@pytest.fixture
def bounded():
    """Within the test, an allocation of more than a gibibyte fails."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(scope="session")
def refused():
    """A function: call another one; whether it was refused by an error of ours that names the file."""

    def call(function, *args, names=""):
        try:
            function(*args)
        except BenchError as error:
            sentence = str(error)
            assert names in sentence, sentence
            assert len(sentence) < 1000, sentence
            assert "\n" not in sentence, sentence
            return True
        return False

    return call
