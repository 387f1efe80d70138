"""The blocks of the reference page, put together, are an experiment that loads and is judged."""

import re
from pathlib import Path

import pytest

from normlab import lab
from normlab.lab import Experiment, Results
from normlab.network import CNNSpec

DOCS = Path(__file__).parents[1] / "docs"


INSTEAD = "# Instead of the network above.\n"


def blocks() -> list[str]:
    page = (DOCS / "experiments.md").read_text(encoding="utf-8")
    return re.findall(r"```toml\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    path = tmp_path_factory.mktemp("docs") / "my-rates.toml"
    path.write_text("\n".join(block for block in blocks() if not block.startswith(INSTEAD)))
    return lab.load(path)


def test_the_documented_convolutional_network_takes_the_place_of_the_other(tmp_path: Path) -> None:
    [network] = [block for block in blocks() if block.startswith(INSTEAD)]
    others = "\n".join(block for block in blocks() if block != network)
    text, n = re.subn(
        r"\[network\].*?(?=\n\[)", lambda _: network, others, count=1, flags=re.DOTALL
    )
    (tmp_path / "my-rates.toml").write_text(text)
    assert n == 1
    documented = lab.load(tmp_path / "my-rates.toml").network
    assert isinstance(documented, CNNSpec)
    assert documented == CNNSpec(weight_init=0.1, truncated=True, bias_init=0.1)


def test_the_documented_file_loads(experiment: Experiment) -> None:
    assert experiment.n_trials == 4 * 3 * 5


def test_the_documented_quick_setting_is_smaller(experiment: Experiment) -> None:
    assert experiment.quick["replicates"] == 3


def test_the_documented_claims_are_judged(experiment: Experiment) -> None:
    verdicts = Results(experiment, []).verdicts()
    assert [len(verdict.places) for verdict in verdicts] == [2, 1, 1]
