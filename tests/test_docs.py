"""The blocks of the reference page, put together, are an experiment that loads and is judged."""

import re
from pathlib import Path

import pytest

from normlab import lab
from normlab.lab import Experiment, Results

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    page = (DOCS / "experiments.md").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("docs") / "my-rates.toml"
    path.write_text("\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)))
    return lab.load(path)


def test_the_documented_file_loads(experiment: Experiment) -> None:
    assert experiment.n_trials == 4 * 3 * 5


def test_the_documented_quick_setting_is_smaller(experiment: Experiment) -> None:
    assert experiment.quick["replicates"] == 3


def test_the_documented_claims_are_judged(experiment: Experiment) -> None:
    verdicts = Results(experiment, []).verdicts()
    assert [len(verdict.places) for verdict in verdicts] == [2, 1, 1]
