import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab import tiny
from lab.parents import parent_running
from lab.tiny import config
from normlab.data.mnist import BUNDLED
from normlab.data.pixels import Pixels
from normlab.errors import DataError
from normlab.lab import shared_data, trial
from normlab.lab.config import DataConfig
from normlab.lab.engines import LocalWorkers
from normlab.lab.shared_data import VARIABLE, SharedData, stored
from normlab.lab.trial import load_data, run_trial

FEW = DataConfig(n_train=30, n_test=20)


@pytest.fixture(autouse=True)
def data_is_loaded_anew() -> None:
    trial._load.cache_clear()


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A process with ``FEW`` laid out, and told so as a worker is."""
    data = SharedData()
    data.lay_out(FEW)
    for name, value in data.environment().items():
        monkeypatch.setenv(name, value)
    yield data
    data.remove()


def folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("normlab-*")}


def wait_for(condition: Any) -> bool:
    patience = time.monotonic() + 10
    while not condition() and time.monotonic() < patience:
        time.sleep(0.1)
    return bool(condition())


def test_what_is_laid_out_is_mapped_and_the_same(laid_out: SharedData) -> None:
    found, read = stored(FEW), shared_data._read(FEW)
    assert isinstance(found.x_train.base, np.memmap)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        assert getattr(found, name).tobytes() == getattr(read, name).tobytes()
    assert (found.n_classes, found.name) == (read.n_classes, read.name)


def test_what_is_mapped_is_read_only(laid_out: SharedData) -> None:
    with pytest.raises(ValueError, match="read-only"):
        stored(FEW).x_train[0] = 0


def test_other_data_than_is_laid_out_is_read(laid_out: SharedData) -> None:
    assert len(stored(DataConfig(n_train=29, n_test=20)).x_train) == 29


def test_an_unfinished_file_is_never_found(
    laid_out: SharedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise OSError(28, "No space left on device")

    other = DataConfig(n_train=31, n_test=20)
    monkeypatch.setattr(np, "save", interrupted)
    laid_out.lay_out(other)
    assert len(stored(other).x_train) == 31
    assert laid_out.folder is not None
    assert len(list(laid_out.folder.iterdir())) == 1  # nothing of it stays, where a disk is full


def test_data_that_cannot_be_read_is_told_by_who_trains_on_it(
    laid_out: SharedData, tmp_path: Path
) -> None:
    wrong = DataConfig(directory=str(tmp_path))
    laid_out.lay_out(wrong)
    with pytest.raises(DataError, match="must hold a file train-images"):
        stored(wrong)


def test_without_a_place_for_it_nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_place(**_: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(shared_data, "mkdtemp", no_place)
    data = SharedData()
    data.lay_out(FEW)
    data.remove()
    assert data.environment() == {}


@pytest.mark.parametrize("changes", [{}, {"training__loss": "squared_error"}])
def test_a_trial_on_bytes_has_the_bits_of_one_on_floats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    one = config(tmp_path, **changes)
    on_bytes = run_trial(one)
    assert isinstance(load_data(one).x_train, Pixels)
    monkeypatch.setattr(trial, "Pixels", lambda stored: Pixels(stored)[:])
    trial._load.cache_clear()
    assert isinstance(load_data(one).x_train, np.ndarray)
    assert run_trial(one) == on_bytes


def test_images_of_a_convolutional_network_are_bytes_too(tmp_path: Path) -> None:
    experiment = tiny.load(tmp_path, tiny.CNN)
    one = next(iter(tiny.trials(experiment)))[2]
    assert load_data(one).x_train.shape == (60, 28, 28, 1)
    run_trial(one)


def test_workers_map_what_their_parent_lays_out_also_when_mended(tmp_path: Path) -> None:
    one = config(tmp_path)
    with LocalWorkers(1) as workers:
        workers.prepare([one])
        assert workers.submit(_is_mapped, one.data).result()
        workers.submit(os._exit, 7).exception()
        workers.mend()
        assert workers.submit(_is_mapped, one.data).result()
        assert workers.submit(run_trial, one).result() == run_trial(one)


def _is_mapped(data: DataConfig) -> bool:
    return isinstance(stored(data).x_train.base, np.memmap)


def test_nothing_stays_behind_workers() -> None:
    before = folders()
    with LocalWorkers(1) as workers:
        (name,) = folders() - before
        assert workers.submit(os.getenv, VARIABLE).result().endswith(name)
    assert folders() == before


PARENT = """
import time
from normlab.lab.config import DataConfig
from normlab.lab.engines import LocalWorkers

workers = LocalWorkers(2)
workers._data.lay_out(DataConfig(n_train=30, n_test=20))
workers.submit(time.sleep, 60)
print(workers._data.folder, flush=True)
time.sleep(60)
"""


def test_nothing_stays_behind_a_parent_that_is_killed() -> None:
    with parent_running(PARENT) as parent:
        assert parent.stdout is not None
        folder = Path(parent.stdout.readline().strip())
        assert len(list(folder.iterdir())) == 1
        parent.kill()
    assert wait_for(lambda: not folder.exists())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory")
def test_a_worker_that_trains_on_all_of_mnist_takes_less_than_300_mb(tmp_path: Path) -> None:
    sizes = [784, 100, 100, 100, 100, 100, 10]
    one = config(tmp_path, data__n_train=60_000, data__n_test=10_000, network__sizes=sizes)
    with LocalWorkers(1) as workers:
        workers.prepare([one])
        peak, own = workers.submit(_memory_after, one).result()
    assert peak < 300e6
    assert own < 150e6  # of which the images are none


def _memory_after(one: Any) -> tuple[int, int]:
    run_trial(one)
    return 1024 * _field("status", "VmHWM:"), 1024 * _field("smaps_rollup", "Anonymous:")


def _field(file: str, name: str) -> int:
    lines = Path(f"/proc/self/{file}").read_text("ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(name)]
    return int(line.split()[1])


def test_a_folder_of_files_is_shared_too() -> None:
    data, own = SharedData(), DataConfig(directory=str(BUNDLED), n_train=30, n_test=20)
    data.lay_out(own)
    assert data.folder is not None
    assert len(list(data.folder.iterdir())) == 1
    data.remove()
