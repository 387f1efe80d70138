from math import log10

import numpy as np
import pytest

from normlab import lab
from normlab.errors import ExperimentError
from normlab.lab import Experiment
from normlab.lab.factors import grid


@pytest.fixture(scope="module")
def weight_scale() -> Experiment:
    return lab.load("weight-scale")


def test_every_experiment_of_the_catalog_loads() -> None:
    assert [lab.load(name).name for name in lab.catalog()] == lab.catalog()


def test_weight_scale_has_16_scales_from_1_to_1e_minus_4(weight_scale: Experiment) -> None:
    scales = weight_scale.factors["weight_scale"].values
    assert [log10(float(scale)) for scale in scales] == pytest.approx(np.linspace(0, -4, 16))


def test_weight_scale_is_160_trainings(weight_scale: Experiment) -> None:
    assert weight_scale.replicates == 5
    assert weight_scale.n_trials == 160


def test_weight_scale_compares_with_and_without_normalization(weight_scale: Experiment) -> None:
    contrast = weight_scale.contrast
    assert (contrast.baseline, contrast.treatment) == ("none", "batch")
    assert contrast.response == "train_accuracy"


def test_weight_scale_trains_the_published_network(weight_scale: Experiment) -> None:
    spec = weight_scale.network
    assert spec.sizes == (784, 100, 100, 100, 100, 100, 10)
    assert (spec.activation, spec.placement, spec.convention) == ("relu", "before", "book")
    assert spec.dropout == 0


def test_weight_scale_trains_on_the_first_1000_images(weight_scale: Experiment) -> None:
    assert weight_scale.data.n_train == 1000
    assert weight_scale.data.n_test is None


def test_weight_scale_trains_as_published(weight_scale: Experiment) -> None:
    training = weight_scale.training
    assert (training.optimizer, training.learning_rate) == ("sgd", 0.01)
    assert (training.batch_size, training.replacement) == (100, True)
    assert (training.loss, training.weight_decay) == ("softmax_cross_entropy", 0)


def test_weight_scale_records_after_the_first_step_of_each_epoch(weight_scale: Experiment) -> None:
    assert [*weight_scale.training.recorded_steps(1000)] == [*range(1, 192, 10)]


def test_weight_scale_measures_test_images_at_the_last_record_only(
    weight_scale: Experiment,
) -> None:
    recording = weight_scale.training.recording
    assert (recording.train, recording.test) == ("always", "last")


def test_weight_scale_varies_nothing_but_scale_and_normalization(weight_scale: Experiment) -> None:
    configs = [weight_scale.resolve(levels, 0) for levels in grid(weight_scale.factors)]
    assert len({(c.network.weight_init, c.network.normalization) for c in configs}) == 32
    assert len({(c.network.sizes, repr(c.training), c.data) for c in configs}) == 1


def test_weight_scale_names_its_published_values(weight_scale: Experiment) -> None:
    assert weight_scale.published is not None
    assert weight_scale.published.endswith("weight-scale.published.csv")


def test_published_values_are_dropped_where_the_set_up_is_another() -> None:
    assert lab.load("weight-scale", {"training.learning_rate": 0.1}).published is None
    assert lab.load("weight-scale", {"replicates": 2}).published is not None


def test_an_unknown_name_is_an_error_that_names_the_catalog() -> None:
    with pytest.raises(ExperimentError, match=r"no experiment 'nosuch'.*weight-scale.*\.toml"):
        lab.load("nosuch")


def test_a_missing_file_is_an_error_that_names_it() -> None:
    with pytest.raises(ExperimentError, match=r"nosuch\.toml: no such file"):
        lab.load("nosuch.toml")
