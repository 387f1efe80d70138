import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from lab.tiny import config, load, trials
from normlab.data.mnist import BUNDLED
from normlab.errors import DataError
from normlab.kernels.threads import n_threads
from normlab.lab.config import TrialConfig
from normlab.lab.trial import TrialResult, compile_kernels, run_trial, timed_trial


def test_a_trial_gives_the_same_bits_twice(tmp_path: Path) -> None:
    trial = config(tmp_path)
    assert run_trial(trial) == run_trial(trial)


def test_a_trial_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    alone = run_trial(config(tmp_path, replicate=1))
    run_trial(config(tmp_path, replicate=0))
    assert run_trial(config(tmp_path, replicate=1)) == alone


def test_replicates_differ(tmp_path: Path) -> None:
    results = [run_trial(config(tmp_path, replicate=r)) for r in (0, 1)]
    assert results[0].history != results[1].history


def test_seeds_differ(tmp_path: Path) -> None:
    results = [run_trial(config(tmp_path, seed=seed)) for seed in (0, 1)]
    assert results[0].history != results[1].history


def test_levels_of_a_replicate_start_from_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, batches = _seen(tmp_path, monkeypatch, replicate=0)
    assert len({weight.tobytes() for weight in weights}) == 1
    assert len(set(batches)) == 1


def test_weights_and_batches_differ_between_replicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (_seen(tmp_path, monkeypatch, replicate=r) for r in (0, 1))
    assert not np.array_equal(first[0][0], second[0][0])
    assert first[1][0] != second[1][0]


def _seen(folder: Path, monkeypatch: pytest.MonkeyPatch, replicate: int) -> tuple[Any, Any]:
    """Initial weights, in units of their scale, and batches, of each combination of levels."""
    from normlab.lab import trial

    weights, batches = [], []

    def train(network: Any, data: Any, training: Any, *, rng: np.random.Generator) -> Any:
        weights.append(network.parameters["0.weight"] / np.std(network.parameters["0.weight"]))
        batches.append(rng.integers(1000, size=5).tobytes())
        return history

    history = run_trial(config(folder)).history
    with monkeypatch.context() as patch:
        patch.setattr(trial, "train", train)
        for levels, r, one in trials(load(folder)):
            if r == replicate and levels["weight_scale"] == 0.1:
                run_trial(one)
    return weights, batches


def test_a_trial_computes_on_one_thread_and_leaves_the_setting_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from normlab.lab import trial

    result, before, seen = run_trial(config(tmp_path)), n_threads(), []

    def train(*args: Any, **options: Any) -> Any:
        blas = {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}
        seen.append((n_threads(), 1 in blas))  # NumPy's; SciPy has one of its own
        return result.history

    monkeypatch.setattr(trial, "train", train)
    run_trial(config(tmp_path))
    assert seen == [(1, True)]
    assert n_threads() == before


@pytest.mark.parametrize("scale", [1e30, 1e300])
@pytest.mark.parametrize("rate", [0.1, 1e30])
def test_overflow_is_a_result_and_no_warning(scale: float, rate: float, tmp_path: Path) -> None:
    experiment = load(tmp_path, settings={"training.learning_rate": rate})
    for normalization in ("none", "batch"):
        levels = {"weight_scale": scale, "normalization": normalization}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            history = run_trial(experiment.resolve(levels, 0)).history
        assert history.diverged_at_step is not None


def test_a_diverged_trial_stops_at_its_first_loss_that_is_not_finite(tmp_path: Path) -> None:
    trial = config(tmp_path, training__learning_rate=1e30, training__steps=1000)
    history = run_trial(trial).history
    assert history.diverged_at_step is not None
    assert history.n_steps == history.diverged_at_step - 1 < 10
    assert history.step[-1] == history.diverged_at_step


def test_the_squared_error_trains_on_one_hot_labels(tmp_path: Path) -> None:
    trial = config(tmp_path, training__loss="squared_error")
    compile_kernels([trial])
    losses = run_trial(trial).history.train_loss
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "optimizer", ["momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
)
def test_every_optimizer_trains(optimizer: str, tmp_path: Path) -> None:
    trial = config(tmp_path, training__optimizer=optimizer, training__learning_rate=0.01)
    compile_kernels([trial])
    losses = run_trial(trial).history.train_loss
    assert losses[-1] < losses[0]


def test_dropout_gives_the_same_bits_twice(tmp_path: Path) -> None:
    trial = config(tmp_path, network__dropout=0.5)
    assert run_trial(trial) == run_trial(trial)


def test_the_time_of_a_trial_is_taken_where_it_runs(tmp_path: Path) -> None:
    result, timing = timed_trial(config(tmp_path))
    assert timing.seconds > timing.seconds_per_step * result.history.n_steps / 2 > 0
    assert timing.seconds_per_step == result.history.seconds_per_step


def test_other_data_than_the_run_began_with_is_refused(tmp_path: Path) -> None:
    trial = config(tmp_path, data__directory=str(BUNDLED)).model_copy(update={"data_digest": "0"})
    with pytest.raises(DataError, match="must hold the data that the run began with"):
        run_trial(trial)


def test_threads_of_one_process_run_one_trial_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, alone = run_trial(config(tmp_path)), Lock()

    def slow(_: TrialConfig) -> TrialResult:
        assert alone.acquire(blocking=False)
        sleep(0.05)
        alone.release()
        return result

    monkeypatch.setattr("normlab.lab.trial.run_trial", slow)
    with ThreadPoolExecutor(3) as threads:
        timings = [timing for _, timing in threads.map(timed_trial, [result.config] * 3)]
    assert all(timing.seconds < 0.1 for timing in timings)  # waiting is not in it
