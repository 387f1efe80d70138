from typing import Any, get_args

import numpy as np
import pytest

from figures.made_up import diverged, experiment, history, results
from normlab.data import load_mnist
from normlab.lab.responses import BUILT_IN, SERIES, ResponseSpec, selected
from normlab.network import MLPSpec, build_mlp
from normlab.training import History, Probes, Series, TrainingConfig, train
from normlab.training.probes.settings import ProbeName

RISING = history((0.1, 0.5, 0.4), test_accuracy=(0.1, 0.2, 0.3), train_loss=(3.0, 1.0, 2.0))


def of(name: str, trial: History = RISING) -> float:
    return BUILT_IN[name].of(trial)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_accuracy", 0.4),
        ("best_train_accuracy", 0.5),
        ("train_loss", 2.0),
        ("best_train_loss", 1.0),
        ("generalization_gap", 0.1),
        ("diverged", 0.0),
    ],
)
def test_a_response_is_a_number_of_a_trial(name: str, value: float) -> None:
    assert of(name) == pytest.approx(value)


def test_what_was_not_recorded_is_nan() -> None:
    assert np.isnan(of("best_test_loss"))
    assert np.isnan(of("test_loss"))
    assert np.isnan(of("diverged_at_step"))


def test_divergence_is_a_response() -> None:
    assert of("diverged", diverged(5)) == 1
    assert of("diverged_at_step", diverged(5)) == 5


def spec(**fields: Any) -> ResponseSpec:
    return ResponseSpec.model_validate({"label": "made up", **fields})


def steps_to(value: float, quantity: str = "train_accuracy") -> ResponseSpec:
    return spec(kind="steps-to-reach", quantity=quantity, value=value)


def test_steps_to_an_accuracy_count_to_the_first_record_there() -> None:
    assert steps_to(0.5).response().of(RISING) == 11


def test_steps_to_a_loss_count_to_the_first_record_as_low() -> None:
    assert steps_to(2.0, "train_loss").response().of(RISING) == 11


def test_what_was_measured_on_diverging_is_not_reached() -> None:
    assert np.isnan(steps_to(0.5).response().of(diverged(5, final=0.9)))


def test_a_trial_that_does_not_get_there_counts_with_the_last_step() -> None:
    steps = {"label": "x", "kind": "steps-to-reach", "quantity": "train_accuracy", "value": 0.85}
    found = results(experiment(responses={"steps": steps}), {(1.0, "batch", 0): None})
    np.testing.assert_array_equal(found.response("steps")[0], [[21, 21, 21], [np.nan, 21, 21]])
    np.testing.assert_array_equal(found.unreached("steps")[0], [[1, 1, 1], [0, 1, 0]])


def test_the_last_step_is_that_of_trials_of_the_same_levels() -> None:
    steps = {"label": "x", "kind": "steps-to-reach", "quantity": "train_accuracy", "value": 0.95}
    short = history((0.1, 0.2), steps=(1, 11))
    ends = {(1.0, "none", 0): short, (1.0, "none", 1): short, (1.0, "none", 2): diverged(5)}
    ends |= {(0.1, "none", i): diverged(5) for i in range(3)}
    found = results(experiment(responses={"steps": steps}), ends).response("steps")
    np.testing.assert_array_equal(found[0], [[11, 11, 11], [21, 21, 21]])
    np.testing.assert_array_equal(found[1], [[21, 21, 21], [21, 21, 21]])


PROBED = history(
    (0.1, 0.5, 0.9),
    probed_steps=np.array([1, 11]),
    probes={
        "gradient_norm": Series(
            ("layer",),
            (("Dense 1", "ReLU 1", "Dense 2", "Dense 3"),),
            np.array([[4.0, 9.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]]),
        ),
        "input_percentiles": Series(
            ("layer", "percentile"),
            (("ReLU 1", "ReLU 2"), (15.0, 85.0)),
            np.array([[[0.0, 1.0], [0.0, 2.0]], [[1.0, 4.0], [1.0, 3.0]]]),
        ),
    },
)


def summary(kind: str, series: str = "input_percentiles", **fields: Any) -> float:
    return spec(kind=kind, series=series, **fields).response().of(PROBED)


def test_summaries_of_a_series() -> None:
    assert summary("first") == pytest.approx(0.75)
    assert summary("last") == pytest.approx(2.25)
    assert summary("mean") == pytest.approx(1.5)
    assert summary("range") == pytest.approx(1.5)


def test_a_selection_is_by_label_or_by_class() -> None:
    assert summary("last", select={"percentile": 85.0}) == pytest.approx(3.5)
    assert summary("last", select={"layer": "ReLU 1"}) == pytest.approx(2.5)
    assert summary("last", "gradient_norm", select={"layer": "Dense"}) == pytest.approx(1)
    assert summary("first", "gradient_norm", select={"layer": "Dense"}) == pytest.approx(7 / 3)


def test_growth_is_the_factor_of_the_square_a_layer_towards_the_input() -> None:
    assert summary("growth", "gradient_norm", select={"layer": "Dense"}) == pytest.approx(4)


def test_a_label_is_no_beginning_of_another() -> None:
    series = Series(("layer",), (("ReLU 1", "ReLU 10", "ReLU6 1"),), np.array([[1.0, 2.0, 4.0]]))
    assert selected(series, {"layer": "ReLU 1"}).tolist() == [[1]]
    assert selected(series, {"layer": "ReLU"}).tolist() == [[1, 2]]


@pytest.mark.parametrize("norm", [0.0, np.inf, np.nan])
def test_a_gradient_that_vanished_or_overflowed_has_no_growth(norm: float) -> None:
    series = Series(("layer",), (("Dense 1", "Dense 2", "Dense 3"),), np.array([[norm, 2.0, 1.0]]))
    found = history(
        (0.1,), steps=(1,), probed_steps=np.array([1]), probes={"gradient_norm": series}
    )
    assert np.isnan(spec(kind="growth", series="gradient_norm").response().of(found))


def test_growth_of_two_layers_at_least() -> None:
    assert np.isnan(summary("growth", "gradient_norm", select={"layer": "Dense"}, skip=1))


def test_a_network_without_such_layers_has_no_such_response() -> None:
    assert np.isnan(summary("last", "gradient_norm", select={"layer": "BatchNorm"}))
    assert np.isnan(spec(kind="last", series="dead_share").response().of(PROBED))


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"kind": "steps-to-reach", "quantity": "train_loss"}, "must have a value"),
        ({"kind": "range"}, "must have a series"),
        ({"kind": "range", "series": "x", "value": 1.0}, "must have no value"),
        ({"kind": "range", "series": "x", "skip": 1}, "must have no skip"),
    ],
)
def test_what_a_response_needs_is_said(fields: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        spec(**fields)


def test_every_series_of_every_probe_is_known_with_its_axes() -> None:
    data = load_mnist(n_train=20, n_test=10)
    spec = MLPSpec(sizes=(784, 4, 10), normalization="batch")
    rng = np.random.default_rng(0)
    for probe in get_args(ProbeName):
        config = TrainingConfig(steps=1, batch_size=10, probes=Probes(names=(probe,)))
        found = train(build_mlp(spec, rng=rng), data, config, rng=rng).probes
        axes = {name: series.axes for name, series in found.items() if name != "histogram_edges"}
        assert axes == {name: form.axes for name, form in SERIES.items() if form.probe == probe}
