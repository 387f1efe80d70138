from functools import cache
from math import log10, pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normlab import lab
from normlab.errors import ExperimentError
from normlab.lab import Experiment
from normlab.lab.claims import Claim
from normlab.lab.config import SetUp, TrialConfig
from normlab.lab.factors import Level, grid
from normlab.lab.verdicts import MIN_PAIRS
from normlab.network import CNNSpec, MLPSpec

NAMES = [
    "batch-size",
    "cnn-learning-rate",
    "covariate-shift",
    "gradient-norm",
    "learning-rate",
    "on-off",
    "overfitting",
    "placement",
    "weight-scale",
]

ADVANTAGES = ("learning speed", "initial weights", "overfitting")
MECHANISMS = ("covariate shift", "gradients")


@cache
def loaded(name: str) -> Experiment:
    return lab.load(name)


def resolved(experiment: Experiment, **levels: Level) -> TrialConfig:
    """Return the training at these levels, and the first of the factors not named."""
    first = {name: values[0] for name, values in experiment.levels.items()}
    return experiment.resolve(first | levels, 0)


def perceptron(config: SetUp | Experiment) -> MLPSpec:
    """Return the network, which is to be one."""
    assert isinstance(config.network, MLPSpec)
    return config.network


def of_value(experiment: Experiment, response: str) -> list[Claim]:
    """Return the claims that a response has an exact value."""
    claims = [c for c in experiment.claims if c.response == response]
    return [c for c in claims if (c.compare, c.direction) == ("value", "equal")]


def test_the_catalog_holds_these_experiments() -> None:
    assert lab.catalog() == NAMES


def test_every_experiment_of_the_catalog_loads() -> None:
    assert [loaded(name).name for name in lab.catalog()] == lab.catalog()


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_has_claims_figures_and_sources(name: str) -> None:
    experiment = loaded(name)
    assert experiment.claims
    assert experiment.figures
    assert experiment.sources
    assert experiment.question.endswith("?")


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_is_a_sentence(name: str) -> None:
    assert all(claim.statement.endswith(".") for claim in loaded(name).claims)


@pytest.mark.parametrize("name", NAMES)
def test_full_and_quick_settings_have_replicates_enough_for_verdicts(name: str) -> None:
    full, quick = lab.load(name), lab.load(name, quick=True)
    assert full.replicates >= quick.replicates >= MIN_PAIRS
    assert quick.n_trials < full.n_trials


@pytest.mark.parametrize("about", [*ADVANTAGES, *MECHANISMS])
def test_each_advantage_and_mechanism_is_put_to_the_test(about: str) -> None:
    claims = [claim for name in NAMES for claim in loaded(name).claims]
    assert about in {claim.about for claim in claims}


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_runs_to_its_verdicts_and_figures(name: str, tmp_path: Path) -> None:
    experiment = lab.load(name, tiny(name))
    results = lab.run(experiment, tmp_path, n_workers=1)
    assert not results.failures
    assert len(results.verdicts()) == len(experiment.claims)
    for response in experiment.responses:
        assert np.isfinite(results.response(response)).any()
    for figure in experiment.figures:
        assert results.figure(figure.file).axes


def tiny(name: str) -> dict[str, Any]:
    """Return the settings of a run of two steps."""
    settings = {
        "replicates": 1,
        "data.n_train": 600,
        "data.n_test": 20,
        "training.steps": 2,
        "training.recording.first_step": 1,
        "training.recording.every": 1,
        "training.probes.every": 1,
    }
    if name != "gradient-norm":
        return settings
    names = lab.load(name).levels["moment"]
    levels = [{"name": n, "set": {"training.probes.first_step": i}} for i, n in enumerate(names, 1)]
    return {"factors.moment.levels": levels} | settings


def test_weight_scale_has_16_scales_from_1_to_1e_minus_4() -> None:
    scales = loaded("weight-scale").factors["weight_scale"].values
    assert [log10(float(scale)) for scale in scales] == pytest.approx(np.linspace(0, -4, 16))


def test_weight_scale_is_160_trainings() -> None:
    assert loaded("weight-scale").replicates == 5
    assert loaded("weight-scale").n_trials == 160


def test_weight_scale_compares_with_and_without_normalization() -> None:
    contrast = loaded("weight-scale").contrast
    assert (contrast.baseline, contrast.treatment) == ("none", "batch")
    assert contrast.response == "train_accuracy"


def test_weight_scale_trains_the_published_network() -> None:
    spec = perceptron(loaded("weight-scale"))
    assert spec.sizes == (784, 100, 100, 100, 100, 100, 10)
    assert (spec.activation, spec.placement, spec.convention) == ("relu", "before", "book")
    assert spec.dropout == 0


def test_weight_scale_trains_on_the_first_1000_images() -> None:
    assert loaded("weight-scale").data.n_train == 1000
    assert loaded("weight-scale").data.n_test is None


def test_weight_scale_trains_as_published() -> None:
    training = loaded("weight-scale").training
    assert (training.optimizer, training.learning_rate) == ("sgd", 0.01)
    assert (training.batch_size, training.replacement) == (100, True)
    assert (training.loss, training.weight_decay) == ("softmax_cross_entropy", 0)


def test_weight_scale_records_after_the_first_step_of_each_epoch() -> None:
    assert [*loaded("weight-scale").training.recorded_steps(1000)] == [*range(1, 192, 10)]


def test_weight_scale_measures_test_images_at_the_last_record_only() -> None:
    recording = loaded("weight-scale").training.recording
    assert (recording.train, recording.test) == ("always", "last")


def test_weight_scale_varies_nothing_but_scale_and_normalization() -> None:
    weight_scale = loaded("weight-scale")
    configs = [weight_scale.resolve(levels, 0) for levels in grid(weight_scale.factors)]
    assert len({(c.network.weight_init, c.network.normalization) for c in configs}) == 32
    assert len({(perceptron(c).sizes, repr(c.training), c.data) for c in configs}) == 1


def test_weight_scale_names_its_published_values() -> None:
    assert str(loaded("weight-scale").published).endswith("weight-scale.published.csv")


def test_published_values_are_dropped_where_the_set_up_is_another() -> None:
    assert lab.load("weight-scale", {"training.learning_rate": 0.1}).published is None
    assert lab.load("weight-scale", {"replicates": 2}).published is not None


def test_on_off_trains_the_published_network() -> None:
    config = resolved(loaded("on-off"))
    assert perceptron(config).sizes == (784, 40, 20, 10)
    assert (config.network.activation, config.network.weight_init) == ("sigmoid", "lecun")
    assert config.data.n_train is None
    assert (config.training.optimizer, config.training.learning_rate) == ("sgd", 0.01)
    assert (config.training.batch_size, config.training.replacement) == (100, True)


def test_on_off_records_test_images_and_the_batch_every_10_of_1000_steps() -> None:
    training = loaded("on-off").training
    recording = training.recording
    assert [*training.recorded_steps(60_000)] == [*range(10, 1001, 10)]
    assert (recording.train, recording.test, recording.batch) == ("never", "always", "always")


def test_on_off_has_gamma_and_beta_fixed_as_published_and_trained() -> None:
    networks = {
        level: resolved(loaded("on-off"), normalization=level).network
        for level in loaded("on-off").levels["normalization"]
    }
    assert [n.normalization for n in networks.values()] == ["none", "batch", "batch"]
    fixed, trained = (networks[f"gamma and beta {how}"] for how in ("fixed", "trained"))
    assert (fixed.scale, fixed.shift) == (False, False)
    assert (trained.scale, trained.shift) == (True, True)


def test_overfitting_is_the_published_set_up() -> None:
    config = resolved(loaded("overfitting"))
    assert config.data.n_train == 300
    assert perceptron(config).sizes == (784, *[100] * 6, 10)
    assert (config.network.activation, config.network.weight_init) == ("relu", "he")
    assert (config.training.epochs, config.training.learning_rate) == (201, 0.01)
    assert (config.training.batch_size, config.training.replacement) == (100, True)


def test_overfitting_compares_dropout_batch_normalization_and_both() -> None:
    overfitting = loaded("overfitting")
    networks = [
        resolved(overfitting, regularization=level).network
        for level in overfitting.levels["regularization"]
    ]
    found = [(network.normalization, network.dropout) for network in networks]
    assert found == [("none", 0), ("none", 0.2), ("batch", 0), ("batch", 0.2)]


def test_overfitting_claims_speak_of_the_published_depth() -> None:
    assert all(claim.where == {"depth": 6} for claim in loaded("overfitting").claims)


def test_covariate_shift_is_the_published_network() -> None:
    config = resolved(loaded("covariate-shift"))
    assert perceptron(config).sizes == (784, 100, 100, 100, 10)
    assert config.network.activation == "sigmoid"
    assert config.training.batch_size == 60
    assert config.training.probes.percentiles == (15, 50, 85)


def test_covariate_shift_looks_at_the_input_of_the_last_sigmoid() -> None:
    wander = loaded("covariate-shift").responses["wander"]
    assert (wander.kind, wander.series) == ("range", "unit_percentiles")
    assert wander.select == {"layer": "Sigmoid 3"}


def test_gradient_norm_has_as_many_hidden_layers_as_its_levels_say() -> None:
    gradient_norm = loaded("gradient-norm")
    for depth in gradient_norm.levels["depth"]:
        sizes = perceptron(resolved(gradient_norm, depth=depth)).sizes
        assert sizes == (784, *[200] * int(depth), 10)


def test_gradient_norm_holds_the_growth_to_its_exact_value() -> None:
    (claim,) = of_value(loaded("gradient-norm"), "gradient_growth")
    assert claim.value == pytest.approx(pi / (pi - 1), abs=5e-4)
    assert claim.tolerance == 0.05
    assert claim.where["normalization"] == "batch"
    assert "weight_scale" not in claim.where


def test_batch_size_holds_the_passed_gradient_to_its_exact_values() -> None:
    claims = of_value(loaded("batch-size"), "passed_gradient")
    values = {claim.where["batch_size"]: claim.value for claim in claims}
    assert values == {2: 5e-5, 3: 0.70, 4: 0.87, 8: 0.965, 32: 0.995}


def test_batch_size_has_the_published_sizes_at_one_learning_rate_and_number_of_steps() -> None:
    batch_size = loaded("batch-size")
    assert {2, 4, 8, 16, 32, 100, 500} <= {*batch_size.levels["batch_size"]}
    configs = [batch_size.resolve(levels, 0).training for levels in grid(batch_size.factors)]
    assert len({(c.steps, c.learning_rate) for c in configs}) == 1


def test_placement_normalizes_before_after_or_not_at_all() -> None:
    placement = loaded("placement")
    networks = [
        resolved(placement, placement=level).network for level in placement.levels["placement"]
    ]
    found = [(network.normalization, network.placement) for network in networks]
    assert found == [("none", "before"), ("batch", "before"), ("batch", "after")]
    assert placement.levels["activation"] == ("relu", "sigmoid")


def test_learning_rate_goes_from_a_thousandth_to_10() -> None:
    rates = loaded("learning-rate").levels["learning_rate"]
    assert [float(rates[0]), float(rates[-1])] == pytest.approx([1e-3, 10])
    assert perceptron(loaded("learning-rate")).sizes == (784, *[100] * 5, 10)


def test_cnn_learning_rate_is_the_network_of_the_tutorial() -> None:
    assert loaded("cnn-learning-rate").network == CNNSpec(
        image_shape=(28, 28, 1),
        maps=(32, 64),
        kernel_size=5,
        padding="same",
        pool_size=2,
        hidden=(1024,),
        n_classes=10,
        activation="relu",
        weight_init=0.1,
        truncated=True,
        bias_init=0.1,
        dropout=0.5,
    )


def test_cnn_learning_rate_trains_as_the_tutorial_does() -> None:
    experiment = loaded("cnn-learning-rate")
    training, data = experiment.training, experiment.data
    assert (training.optimizer, training.steps, training.optimizer_options) == ("adam", 1000, {})
    assert (training.batch_size, training.replacement) == (50, False)
    assert (data.n_train, data.n_test) == (None, None)
    assert training.recorded_steps(60_000)[-1] == 1000


def test_cnn_learning_rate_has_the_published_rates_and_two_beyond() -> None:
    levels = loaded("cnn-learning-rate").levels
    assert levels["learning_rate"] == (1e-4, 1e-3, 1e-2, 3e-2)
    assert levels["normalization"] == ("none", "batch")


def test_cnn_learning_rate_draws_gamma_and_beta_as_published_or_not_at_all() -> None:
    experiment = loaded("cnn-learning-rate")
    found = []
    for level in experiment.levels["initial_gamma"]:
        network = resolved(experiment, normalization="batch", initial_gamma=level).network
        assert isinstance(network, CNNSpec)
        found.append((level, network.gamma_init, network.beta_init))
    assert found == [("1", "ones", "zeros"), ("drawn", 0.1, 0.1)]


def test_cnn_learning_rate_trains_a_network_without_normalization_once() -> None:
    experiment = loaded("cnn-learning-rate")
    assert (experiment.n_trials, experiment.n_trainings) == (80, 60)


def test_cnn_learning_rate_holds_the_four_published_cells_to_what_is_printed() -> None:
    claims = [claim for claim in loaded("cnn-learning-rate").claims if claim.published]
    cells = {
        (claim.where["learning_rate"], claim.where["normalization"]): (claim.published, claim.value)
        for claim in claims
    }
    assert cells == {
        (1e-4, "none"): ("96%", 0.96),
        (1e-4, "batch"): ("95%", 0.95),
        (1e-3, "none"): ("does not converge", 0.2),
        (1e-3, "batch"): ("98%", 0.98),
    }
    assert {claim.where["initial_gamma"] for claim in claims} == {"drawn"}
    assert [claim.tolerance for claim in claims] == [0.01, 0.01, None, 0.01]


def test_an_unknown_name_is_an_error_that_names_the_catalog() -> None:
    with pytest.raises(ExperimentError, match=r"no experiment 'nosuch'.*weight-scale.*\.toml"):
        lab.load("nosuch")


def test_a_missing_file_is_an_error_that_names_it() -> None:
    with pytest.raises(ExperimentError, match=r"nosuch\.toml: no such file"):
        lab.load("nosuch.toml")
