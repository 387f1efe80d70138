"""Each probe against its formula in plain NumPy, on the first step of a toy training."""

from typing import Any

import numpy as np
import pytest
from toy import fit, toy_data
from watched import first_pass, network, only, probed

from normlab.data import Dataset
from normlab.layers import BatchNorm, Dense, Flatten, ReLU, Sigmoid, Tanh
from normlab.network import Network
from normlab.training import Probes, Series, TrainingConfig, train

LAYERS = ("Dense 1", "BatchNorm 1", "ReLU 1", "Dense 2", "BatchNorm 2", "ReLU 2", "Dense 3")
PARAMETERS = (
    "0.weight",
    "1.gamma",
    "1.beta",
    "3.weight",
    "4.gamma",
    "4.beta",
    "6.weight",
    "6.bias",
)


def check(series: Series, axes: dict[str, Any], expected: Any) -> None:
    assert series.axes == tuple(axes)
    assert series.labels == tuple(tuple(labels) for labels in axes.values())
    assert len(series) == 1
    np.testing.assert_allclose(series.values[0], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("what", ["input", "output"])
def test_inputs_and_outputs_are_the_distribution_of_all_values_of_a_layer(what: Any) -> None:
    probes = probed(f"{what}s", percentiles=(10, 50)).probes
    values = [part.x if what == "input" else part.y for part in first_pass()]
    assert list(probes) == [f"{what}_mean", f"{what}_std", f"{what}_percentiles"]
    check(probes[f"{what}_mean"], {"layer": LAYERS}, [v.mean() for v in values])
    check(probes[f"{what}_std"], {"layer": LAYERS}, [v.std() for v in values])
    axes = {"layer": LAYERS, "percentile": (10.0, 50.0)}
    expected = [np.percentile(v, [10, 50]) for v in values]
    check(probes[f"{what}_percentiles"], axes, expected)


def test_units_are_percentiles_over_the_batch_of_the_input_of_an_activation() -> None:
    series = probed("units", units=3).probes["unit_percentiles"]
    axes = {"layer": ("ReLU 1", "ReLU 2"), "unit": (0, 1, 2), "percentile": (15.0, 50.0, 85.0)}
    relus = only(first_pass(), ReLU)
    expected = [[np.percentile(part.x[:, j], [15, 50, 85]) for j in range(3)] for part in relus]
    check(series, axes, expected)


def test_units_that_a_layer_does_not_have_are_nan() -> None:
    values = probed("units").probes["unit_percentiles"].values
    assert np.isfinite(values[:, :, :8]).all()
    assert np.isnan(values[:, :, 8:]).all()


@pytest.mark.parametrize(
    ("activation", "kind", "ends"),
    [("relu", ReLU, (0, 5)), ("sigmoid", Sigmoid, (0, 1)), ("tanh", Tanh, (-1, 1))],
)
def test_histograms_share_the_outputs_of_activations_among_bins(
    activation: Any, kind: Any, ends: tuple[float, float]
) -> None:
    probes = probed("histograms", bins=8, options={"activation": activation}).probes
    labels = (f"{kind.__name__} 1", f"{kind.__name__} 2")
    edges = np.linspace(*ends, 9)
    outputs = [part.y for part in only(first_pass(activation=activation), kind)]
    shares = [np.histogram(y, edges)[0] / y.size for y in outputs]
    check(probes["histogram"], {"layer": labels, "bin": range(8)}, shares)
    check(probes["histogram_edges"], {"layer": labels, "edge": range(9)}, [edges, edges])


def test_values_beyond_the_edges_of_a_histogram_lie_in_the_end_bins() -> None:
    options = {"normalization": "none", "weight_init": 100.0}
    shares = probed("histograms", bins=4, options=options).probes["histogram"].values[0]
    outputs = [part.y for part in only(first_pass(**options), ReLU)]
    np.testing.assert_allclose(shares[:, -1], [(y >= 3.75).mean() for y in outputs])
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_gradients_are_norms_by_the_outputs_of_layers_and_by_parameters() -> None:
    probes, parts = probed("gradients").probes, first_pass()
    norms = [np.sqrt((part.dy**2).sum()) for part in parts]
    check(probes["gradient_norm"], {"layer": LAYERS}, norms)
    of_parameters = [np.sqrt((g**2).sum()) for part in parts for g in part.gradients.values()]
    check(probes["parameter_gradient_norm"], {"parameter": PARAMETERS}, of_parameters)


def test_gradients_of_parameters_count_weight_decay() -> None:
    settings = Probes(names=("gradients",))
    data = toy_data(dtype=np.float64)
    history = fit(network(), data, weight_decay=2.0, steps=1, probes=settings)
    d_weight = first_pass()[0].gradients["weight"] + 2 * network().parameters["0.weight"]
    found = history.probes["parameter_gradient_norm"].values[0, 0]
    assert found == pytest.approx(np.linalg.norm(d_weight), rel=1e-12)


def test_updates_are_relative_changes_and_nan_for_what_was_zero() -> None:
    before, after = network(), network()
    settings = Probes(names=("updates",))
    series = fit(after, toy_data(dtype=np.float64), steps=1, probes=settings).probes["update_ratio"]
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = [
            np.linalg.norm(after.parameters[name] - p) / np.linalg.norm(p)
            for name, p in before.parameters.items()
        ]
    is_zero = [not p.any() for p in before.parameters.values()]
    assert is_zero == [name.endswith(("beta", "bias")) for name in PARAMETERS]
    check(series, {"parameter": PARAMETERS}, np.where(is_zero, np.nan, expected))


def test_dead_units_of_relu_are_those_that_are_never_on() -> None:
    options = {"normalization": "none", "dead": 3}
    series = probed("dead-units", options=options).probes["dead_share"]
    shares = [(part.y == 0).all(axis=0).mean() for part in only(first_pass(**options), ReLU)]
    assert shares[0] == 3 / 8
    check(series, {"layer": ("ReLU 1", "ReLU 2")}, shares)


@pytest.mark.parametrize(("activation", "kind"), [("sigmoid", Sigmoid), ("tanh", Tanh)])
def test_dead_units_are_those_without_a_derivative_on_every_row(activation: Any, kind: Any) -> None:
    options = {"normalization": "none", "activation": activation, "weight_init": 10.0}
    found = probed("dead-units", options=options).probes["dead_share"].values[0]
    outputs = [part.y for part in only(first_pass(**options), kind)]
    slopes = [y * (1 - y) if activation == "sigmoid" else 1 - y**2 for y in outputs]
    shares = [(slope < 1e-3).all(axis=0).mean() for slope in slopes]
    assert 0 < sum(shares) < 2
    np.testing.assert_allclose(found, shares)


def test_statistics_are_compared_with_the_batch_before_their_update() -> None:
    probes = probed("statistics").probes
    inputs = [part.x for part in only(first_pass(), BatchNorm)]
    # Running statistics start at mean 0 and variance 1.
    errors = [np.sqrt(np.mean(x.mean(0) ** 2 / x.var(0, ddof=1))) for x in inputs]
    ratios = [np.exp(np.mean(-np.log(x.var(0, ddof=1)))) for x in inputs]
    labels = {"layer": ("BatchNorm 1", "BatchNorm 2")}
    check(probes["running_mean_error"], labels, errors)
    check(probes["running_var_ratio"], labels, ratios)


def test_features_that_are_constant_in_the_batch_have_no_part_in_statistics() -> None:
    options = {"placement": "after", "dead": 3}
    (x, *_) = [part.x[:, 3:] for part in only(first_pass(**options), BatchNorm)]
    error = np.sqrt(np.mean(x.mean(0) ** 2 / x.var(0, ddof=1)))
    found = probed("statistics", options=options).probes["running_mean_error"].values[0, 0]
    assert found == pytest.approx(error)


def test_statistics_of_constant_features_alone_are_nan() -> None:
    options = {"weight_init": 0.0}
    probes = probed("statistics", options=options).probes
    assert all(np.isnan(series.values).all() for series in probes.values())


def test_projection_is_what_is_left_of_a_random_gradient() -> None:
    series = probed("projection").probes["passed_gradient"]
    rng, expected = np.random.default_rng(1).spawn(1)[0], []
    for _ in range(2):
        x, dy = rng.standard_normal((2, 10, 8))
        x_hat = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
        dx = (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)) / np.sqrt(x.var(0) + 1e-5)
        expected.append(np.median(np.linalg.norm(dx, axis=0) / np.linalg.norm(dy, axis=0)))
    check(series, {"layer": ("BatchNorm 1", "BatchNorm 2")}, expected)


def test_networks_without_normalization_have_no_layers_to_report() -> None:
    history = probed("statistics", "projection", options={"normalization": "none"})
    assert {series.values.shape for series in history.probes.values()} == {(1, 0)}


def test_with_images_a_unit_is_a_feature_map() -> None:
    x = np.random.default_rng(0).standard_normal((12, 2, 5, 3))
    x[..., 0] = -1
    y = np.arange(12) % 2
    rng = np.random.default_rng(0)
    images = Network([ReLU(), Flatten(), Dense(30, 2, rng=rng, dtype=np.float64)])
    probes = Probes(names=("units", "dead-units", "histograms"), units=3)
    config = TrainingConfig(steps=1, batch_size=12, probes=probes)
    history = train(images, Dataset(x, y, x, y), config, rng=rng)
    maps = x.reshape(-1, 3)
    expected = [np.percentile(maps[:, j], [15, 50, 85]) for j in range(3)]
    np.testing.assert_allclose(history.probes["unit_percentiles"].values[0, 0], expected)
    assert history.probes["dead_share"].values.tolist() == [[1 / 3]]
    assert history.probes["histogram"].values.sum() == pytest.approx(1)
