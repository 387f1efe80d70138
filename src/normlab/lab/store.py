"""The results of a run on disk: one folder a run, one file a trial.

::

    experiment.json      the experiment as it was run, every default filled in
    trials/ID.json       one trial each, named by the hash of its resolved configuration
    timings.csv          seconds of each trial as it was run, with the machine
    results.csv          every trial's records in one table

A file appears under its name complete or not at all, whenever the program is stopped.
"""

import csv
import json
import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from normlab._version import __version__
from normlab.errors import StoreError
from normlab.lab.config import TrialConfig
from normlab.lab.experiment import Experiment
from normlab.lab.factors import leaves
from normlab.lab.trial import SCHEMA, TrialResult, trial_id

TIMING_COLUMNS = ("trial", "seconds", "finished_at", "normlab", "python", "machine", "processors")


class Store:
    """The folder of a run. Made on first use; a folder that cannot be written is an error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trials = folder / "trials"
        self.set_aside: list[Path] = []
        try:
            self.trials.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be made: {error.strerror}.") from None

    def load(self, config: TrialConfig) -> TrialResult | None:
        """Return a stored trial, or None where there is none.

        A damaged file, or one of another schema, is moved to the name that ``set_aside`` then
        lists, ``ID.damaged``.
        """
        path = self._path(config)
        try:
            result = TrialResult.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path}: cannot be read: {error.strerror}.") from None
        except ValidationError:
            result = None
        if result is None or result.schema_version != SCHEMA or result.config != config:
            self._set_aside(path)
            return None
        return result

    def save(self, result: TrialResult, seconds: float) -> None:
        """Store a trial, and its time beside it."""
        write_file(self._path(result.config), result.model_dump_json(indent=1).encode())
        self._append_timing(trial_id(result.config), seconds)

    def changes(self, experiment: Experiment) -> list[str]:
        """Return what the experiment stored here last had otherwise in data, network, training."""
        parts = {"data", "network", "training", "seed"}
        try:
            before = leaves(json.loads((self.folder / "experiment.json").read_bytes()))
        except (OSError, ValueError):
            return []
        now = leaves(experiment.model_dump(mode="json", include=parts))
        return [
            f"{field} was {before.get(field)!r}, now {value!r}"
            for field, value in now.items()
            if before.get(field) != value
        ]

    def save_experiment(self, experiment: Experiment) -> None:
        """Store the experiment as it is run."""
        # Without the path of the published values, which says where normlab is installed.
        text = experiment.model_dump_json(indent=1, exclude={"published"})
        write_file(self.folder / "experiment.json", text.encode())

    def discard(self, configs: Iterable[TrialConfig]) -> int:
        """Delete the stored trials of these configurations, and return how many there were."""
        paths = [path for config in configs if (path := self._path(config)).exists()]
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"{path}: cannot be deleted: {error.strerror}.") from None
        return len(paths)

    def _set_aside(self, path: Path) -> None:
        damaged = path.with_suffix(".damaged")
        try:
            path.replace(damaged)
        except OSError as error:
            raise StoreError(f"{path}: is damaged, cannot be moved: {error.strerror}.") from None
        self.set_aside.append(damaged)

    def _path(self, config: TrialConfig) -> Path:
        return self.trials / f"{trial_id(config)}.json"

    def _append_timing(self, trial: str, seconds: float) -> None:
        path = self.folder / "timings.csv"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        machine, processors = platform.platform(terse=True), os.cpu_count()
        python = platform.python_version()
        row = (trial, f"{seconds:.3f}", now, __version__, python, machine, processors)
        try:
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                if file.tell() == 0:
                    writer.writerow(TIMING_COLUMNS)
                writer.writerow(row)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}.") from None


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole: beside its place first, then moved there in one step."""
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
