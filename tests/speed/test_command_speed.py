"""What a user waits before the first word."""

import subprocess
import sys


def test_help_beside_an_empty_program(side_by_side):
    def run(code, *words):
        return subprocess.run(
            [sys.executable, "-c", code, *words], check=True, capture_output=True, text=True
        )

    plain, fast = side_by_side(
        "`bench --help`",
        "`python -c pass`",
        lambda: run("pass"),
        lambda: run("from bench.cli.main import main; main()", "--help"),
        target=9,
        sense="times as long",
        rounds=15,
    )
    assert "compare" in fast.stdout
    assert plain.returncode == fast.returncode == 0
