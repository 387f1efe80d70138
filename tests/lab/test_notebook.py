"""From Python: an experiment runs itself, and what a notebook shows is static HTML."""

from pathlib import Path

import pytest

from lab.tiny import load


def test_an_experiment_runs_into_the_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = load(tmp_path)
    results = experiment.run(n_workers=1)
    assert len(results.trials) == 8
    assert (tmp_path / "results" / "tiny" / "experiment.json").exists()


def test_its_quick_setting_runs_into_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    load(tmp_path, settings={"setting": "quick"}).run(n_workers=1)
    assert (tmp_path / "results" / "tiny-quick" / "experiment.json").exists()


def test_a_folder_can_be_named(tmp_path: Path) -> None:
    load(tmp_path).run(tmp_path / "mine", n_workers=1)
    assert (tmp_path / "mine" / "experiment.json").exists()


def test_a_short_run_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(tmp_path).run(tmp_path / "out", n_workers=1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("progress", "said"), [(True, "0/8 trials\n8/8 trials\n"), (False, "")])
def test_a_long_run_says_how_far_it_is(
    progress: bool,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    patience = "normlab.lab.progress_lines.Lines.__init__.__kwdefaults__"
    monkeypatch.setattr(patience, {"patience": 0.0})
    load(tmp_path).run(tmp_path / "out", n_workers=1, progress=progress)
    assert capsys.readouterr().err == said


def test_a_notebook_shows_question_factors_and_set_up(tmp_path: Path) -> None:
    html = load(tmp_path)._repr_html_()
    assert html.startswith("<h3>A tiny experiment</h3><p>Does it run?</p><table>")
    assert "network.normalization" in html
    assert "training.batch_size" in html
    assert html.endswith("<p>8 trials, 2 replicates a combination of levels</p>")
