"""Made-up results with everything that a report can show."""

import json
from pathlib import Path
from typing import Any

from figures.made_up import PUBLISHED, diverged, experiment, results, with_published
from normlab.lab import Experiment, Results
from normlab.lab.outcomes import Failure
from normlab.report import write_report

LARGER = {
    "statement": "Normalized networks reach more.",
    "about": "accuracy",
    "source": "A paper, section 3",
    "response": "train_accuracy",
    "direction": "larger",
}
STEPS = {
    "statement": "Normalized networks are faster.",
    "about": "speed",
    "source": "Another paper",
    "response": "steps_to_half",
    "compare": "ratio",
    "direction": "smaller",
    "at_least": 1,
}
WRONG = {**LARGER, "statement": "They are the same.", "direction": "equal", "tolerance": 0.01}
OWN = {
    "steps_to_half": {
        "kind": "steps-to-reach",
        "label": "steps to one half",
        "quantity": "train_accuracy",
        "value": 0.5,
    }
}
LAST = "1.0,batch,21,2,0.85\n0.1,batch,21,2,0.99\n0.1,none,21,2,0.1\n"
RUN = {
    "schema_version": 2,
    "command": "normlab run made-up",
    "versions": {"normlab": "0.1.0", "numpy": "2.4"},
    "machine": "a machine",
    "finished_at": None,
}


def design(**changes: Any) -> Experiment:
    """The made-up experiment with claims."""
    sources = [{"text": "A book, chapter 6"}]
    usual = {"sources": sources, "claims": [LARGER, STEPS, WRONG], "responses": OWN}
    return experiment(**(usual | changes))


def with_all(folder: Path) -> Results:
    """Results with published values, trials that diverged and a failure."""
    made = with_published(folder, PUBLISHED + LAST, design())
    found = results(made, {(1.0, "none", 0): diverged(4)})
    failed = Failure({"weight_scale": 0.1, "normalization": "none"}, 2, "MemoryError: no room")
    return Results(made, found.trials, [failed])


def page(results: Results, folder: Path, run: object = RUN) -> str:
    """The report as text; ``run`` goes into its run.json."""
    (folder / "run.json").write_text(json.dumps(run), "utf-8")
    return write_report(results, folder).read_text("utf-8")
