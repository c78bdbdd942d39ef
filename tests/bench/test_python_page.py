"""docs/python.md, done: its lines are run in turn over the session's sweep, and give what the page says."""

import doctest
import re
import shutil
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def session():
    """The page's examples in one session."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)


def test_every_line_of_the_page_gives_what_it_says(swept, tmp_path, monkeypatch):
    shutil.copytree(swept.path, tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    wrong = []
    ended = doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(session(), out=wrong.append)
    assert "".join(wrong) == ""
    assert ended.attempted == len(session().examples) > 10


def test_the_page_calls_every_function_of_the_interface():
    import bench

    called = "".join(example.source for example in session().examples)
    functions = [name for name in bench.__all__ if name.islower()]
    assert [name for name in functions if f"bench.{name}(" not in called] == []
