"""What was run, and how: ``experiment.json``, ``published.csv`` and ``run.json`` of a folder."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from normlab._version import __version__
from normlab.errors import StoreError
from normlab.lab.design import Design
from normlab.lab.experiment import Experiment
from normlab.lab.factors import leaves
from normlab.lab.files import delete_file, read_file, write_file, write_json
from normlab.lab.identity import SCHEMA
from normlab.lab.interrupts import put_off
from normlab.lab.misfits import misfits

COPY = "published.csv"
"""What a run was compared with, beside its record."""

SET_UP = ("data", "network", "training", "seed")

BLAS_FACTS = ("internal_api", "version", "architecture", "threading_layer")


def save_experiment(design: Design, folder: Path) -> None:
    """Store the experiment as it is run, with the published values it is compared with."""
    experiment, copy = design.experiment, folder / COPY
    published = None if experiment.published is None else Path(experiment.published)
    if published is None:
        delete_file(copy)
    elif not (copy.exists() and published.samefile(copy)):
        write_file(copy, read_file(published))
    # Without the path of the published values, which says where normlab is installed.
    fields = json.loads(experiment.model_dump_json(exclude={"published"}))
    tree = {"schema_version": SCHEMA, "experiment": fields, "data_digests": design.digests}
    write_json(folder / "experiment.json", tree)


def load_experiment(folder: Path) -> Design:
    """Return the trials of the experiment that was run in ``folder`` last."""
    path, copy = folder / "experiment.json", folder / COPY
    try:
        tree = json.loads(read_file(path))
        if tree["schema_version"] != SCHEMA:
            raise StoreError(
                f"{path}: must have the schema version {SCHEMA}, got {tree['schema_version']}."
                " Run the experiment again with this version of normlab."
            )
        experiment = Experiment.model_validate_json(json.dumps(tree["experiment"]))
        published = str(copy) if copy.exists() else None
        experiment = experiment.model_copy(update={"published": published})
        for misfit in misfits(experiment, levels_changed=True):
            raise ValueError(misfit)
        return Design(experiment, tree["data_digests"])
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: holds no run (no experiment.json). Make one with normlab run."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = str(error).splitlines()[0]
        raise StoreError(f"{path}: is damaged: {what}. The same run writes it again.") from None


def changes(experiment: Experiment, folder: str | PathLike[str]) -> list[str]:
    """Return what the experiment run in ``folder`` last had otherwise in its set-up."""
    try:
        before = leaves(json.loads(read_file(Path(folder) / "experiment.json"))["experiment"])
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return []
    before.setdefault("network.kind", "mlp")  # which runs did not name before there were others
    now = leaves(experiment.model_dump(mode="json", include=set(SET_UP)))
    return [
        f"{field} was {before.get(field)!r}, now {value!r}"
        for field, value in now.items()
        if before.get(field) != value
    ]


class RunRecord:
    """How a run is done, stored when it starts and again when it has ended."""

    def __init__(self, folder: Path, command: str | None, workers: str, n_missing: int) -> None:
        self.path = folder / "run.json"
        self.facts: dict[str, Any] = {
            "schema_version": SCHEMA,
            "command": command,
            "workers": workers,
            "trials_to_run": n_missing,
            **_place(),
            "started_at": _now(),
            "finished_at": None,
        }

    def started(self) -> None:
        """Store that the run has started."""
        write_json(self.path, self.facts)

    def finished(self) -> None:
        """Store that the run has ended."""
        self.facts["finished_at"] = _now()
        write_json(self.path, self.facts)


def _place() -> dict[str, Any]:
    """Return what numbers and times may depend on here."""
    with put_off():
        blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {
        "versions": {
            "normlab": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "numba")},
        },
        "blas": [{fact: pool.get(fact) for fact in BLAS_FACTS} for pool in blas],
        "machine": platform.platform(terse=True),
        "processor": platform.processor() or platform.machine(),
        "processors": os.cpu_count(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
