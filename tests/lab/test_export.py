import csv
from io import StringIO

import numpy as np

from figures.made_up import experiment, history, results
from normlab.lab import export
from normlab.training import Series

PROBED = history(
    (0.1, 0.5, 0.9),
    probed_steps=np.array([1]),
    probes={"input_percentiles": Series(
        ("layer", "percentile"), (("ReLU 1",), (15.0, 85.0)), np.array([[[0.25, np.nan]]])
    )},
)  # fmt: skip


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_records_of_the_batch_are_columns_only_where_they_were_made() -> None:
    assert "batch_accuracy" not in results().to_csv().splitlines()[0]
    training = {"steps": 21, "recording": {"batch": "always"}}
    header = results(experiment(training=training)).to_csv().splitlines()[0]
    assert header.endswith("test_loss,batch_accuracy,batch_loss,diverged_at_step")


def test_responses_have_a_row_a_trial() -> None:
    found = results()
    table = rows(export.responses(found.experiment, found.trials))
    assert len(table) == 12
    assert table[0]["weight_scale"] == "1.0"
    assert float(table[-1]["train_accuracy"]) == found.response("train_accuracy")[1, 1, 2]


def test_a_step_waited_for_in_vain_is_empty() -> None:
    steps = {"label": "x", "kind": "steps-to-reach", "quantity": "train_accuracy", "value": 0.5}
    found = results(experiment(responses={"steps": steps}))
    table = rows(export.responses(found.experiment, found.trials))
    assert {row["steps"] for row in table if row["normalization"] == "none"} == {""}
    assert {row["steps"] for row in table if row["normalization"] == "batch"} == {"11.0"}


def test_probes_have_a_row_a_value() -> None:
    found = results(histories={(1.0, "none", 0): PROBED})
    table = rows("".join(export.probes(found.experiment, found.trials)))
    assert len(table) == 2
    assert table[0]["series"] == "input_percentiles"
    assert table[0]["labels"] == "layer ReLU 1; percentile 15.0"
    assert [row["value"] for row in table] == ["0.25", "nan"]
    assert table[0]["step"] == "1"
