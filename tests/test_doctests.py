"""The examples in docstrings run, and give what they say."""

import doctest
import importlib
import io
import pkgutil
from pathlib import Path

import pytest

import normlab

MODULES = ["normlab", *(m.name for m in pkgutil.walk_packages(normlab.__path__, "normlab."))]


def examples_in(module_name: str) -> list[doctest.DocTest]:
    module = importlib.import_module(module_name)
    return [test for test in doctest.DocTestFinder().find(module, module_name) if test.examples]


EXAMPLES = {
    test.name: test
    for name in MODULES
    if not name.endswith("__main__")
    for test in examples_in(name)
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str) -> None:
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    runner.run(EXAMPLES[name], out=report.write)
    assert runner.failures == 0, report.getvalue()


def test_every_example_in_the_source_is_found() -> None:
    root = Path(normlab.__file__).parent
    written = sum(
        line.lstrip().startswith(">>> ")
        for path in root.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
    )
    assert sum(len(test.examples) for test in EXAMPLES.values()) == written > 0
