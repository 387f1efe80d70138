import tracemalloc
from typing import Any

import numpy as np
import pytest
from toy import bits, toy_data, toy_network

from normlab.data import one_hot
from normlab.data.pixels import Pixels
from normlab.errors import ArgumentError, ShapeError
from normlab.network import CNNSpec, Network, build_cnn
from normlab.training import SoftmaxCrossEntropy, accuracy, evaluate, metrics


def trained_statistics() -> Network:
    network = toy_network()
    _, cache = network.forward(toy_data().x_train, training=True)
    network.update_statistics(cache)
    return network


def test_accuracy_is_the_share_of_right_rows() -> None:
    y = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    assert accuracy(y, np.array([1, 0, 0, 0])) == 0.75


def test_one_hot_targets_mean_the_same() -> None:
    y = np.random.default_rng(0).standard_normal((30, 4))
    target = np.arange(30) % 4
    assert accuracy(y, one_hot(target, 4)) == accuracy(y, target)


@pytest.mark.parametrize("n_classes", [2, 10, 70])
def test_of_equal_outputs_the_first_is_the_answer(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, (200, n_classes)).astype(np.float32)
    target = rng.integers(0, n_classes, 200)
    target[::2] = y[::2].argmax(axis=1)
    assert accuracy(y, target) == np.mean(y.argmax(axis=1) == target) > 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_counts_as_wrong(bad: float) -> None:
    y = np.array([[bad, 0.0], [1.0, 0.0], [0.0, bad]])
    assert accuracy(y, np.array([0, 0, 1])) == pytest.approx(1 / 3)


def test_a_network_that_overflowed_is_never_right() -> None:
    assert accuracy(np.full((5, 3), np.nan), np.zeros(5, int)) == 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.zeros(3, int), r"target must have shape \(4,\) for class indices or \(4, 2\)"),
        (np.zeros((4, 3)), r"target must have shape \(4, 2\), got \(4, 3\)"),
        (np.zeros(4), r"target must be integers when it is \(4,\), got float64"),
        (np.array([0, 1, 2, 0]), r"target must be class indices in 0\.\.1, got 2"),
    ],
)
def test_wrong_targets_are_refused(target: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        accuracy(np.zeros((4, 2)), target)


@pytest.mark.parametrize("shape", [(4,), (0, 2), (4, 0), (4, 2, 1)])
def test_outputs_must_be_rows(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ShapeError, match=r"y must have shape \(n, n_outputs\), both at least 1, got"
    ):
        accuracy(np.zeros(shape), np.zeros(4, int))


def test_rows_that_are_bytes_until_they_are_taken_evaluate_the_same() -> None:
    network, loss, target = trained_statistics(), SoftmaxCrossEntropy(), np.arange(40) % 3
    n_features = toy_data().x_train.shape[1]
    pixels = Pixels(np.arange(40 * n_features).astype(np.uint8).reshape(40, n_features))
    assert evaluate(network, loss, pixels, target) == evaluate(network, loss, pixels[:], target)


@pytest.mark.parametrize("block", [1, 7, 20, 39, 40, 1000])
def test_evaluation_does_not_depend_on_block_borders(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, loss, data = trained_statistics(), SoftmaxCrossEntropy(), toy_data()
    y, _ = network.forward(data.x_train, training=False)
    monkeypatch.setattr(metrics, "EVALUATION_ROWS", block)
    result = evaluate(network, loss, data.x_train, data.y_train)
    assert result.loss == pytest.approx(loss(y, data.y_train)[0], rel=1e-6)
    assert result.accuracy == accuracy(y, data.y_train)


@pytest.mark.parametrize("width", [3, 100, 1600])
def test_networks_of_usual_widths_are_evaluated_500_rows_at_once(width: int) -> None:
    # Sums over other blocks would differ in their last bits from results that are stored.
    network = toy_network(sizes=(4, width, 3))
    assert metrics.evaluation_rows(network, (4,)) == 500


def test_a_block_follows_from_the_largest_output_of_a_layer() -> None:
    spec = CNNSpec(image_shape=(20, 30, 1), maps=(64,), kernel_size=3, hidden=())
    network = build_cnn(spec, rng=np.random.default_rng(0))
    assert metrics.evaluation_rows(network, spec.image_shape) == 2**21 // (20 * 30 * 64)


def test_a_block_has_at_least_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "EVALUATION_ELEMENTS", 2)
    network, data = trained_statistics(), toy_data()
    found = evaluate(network, SoftmaxCrossEntropy(), data.x_test, data.y_test)
    assert metrics.evaluation_rows(network, (4,)) == 1
    assert 0 <= found.accuracy <= 1


def test_rows_of_another_shape_are_refused_by_the_layer_that_they_reach() -> None:
    with pytest.raises(ShapeError, match=r"^layer 0, Dense\(4, 8, bias=False\): x must have shape"):
        evaluate(toy_network(), SoftmaxCrossEntropy(), np.zeros((2, 5)), np.zeros(2, int))


def test_memory_does_not_grow_with_the_images_that_are_evaluated() -> None:
    spec = CNNSpec(maps=(32,), kernel_size=3, hidden=())
    network, peaks = build_cnn(spec, rng=np.random.default_rng(0)), []
    for n in (100, 100, 400):  # the first time, what is kept for good is made
        x = np.zeros((n, 28, 28, 1), np.float32)
        tracemalloc.start()
        evaluate(network, SoftmaxCrossEntropy(), x, np.zeros(n, int))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.5 * peaks[1] < 5 * 4 * 2**21  # some outputs of float32


def test_evaluation_of_one_hot_targets_is_that_of_indices() -> None:
    network, loss, data = trained_statistics(), SoftmaxCrossEntropy(), toy_data()
    of_indices = evaluate(network, loss, data.x_train, data.y_train)
    of_rows = evaluate(network, loss, data.x_train, one_hot(data.y_train, 3))
    assert of_rows.accuracy == of_indices.accuracy
    assert of_rows.loss == pytest.approx(of_indices.loss, rel=1e-6)


def test_evaluation_leaves_the_network_unchanged() -> None:
    network, data = trained_statistics(), toy_data()
    before = bits(network)
    evaluate(network, SoftmaxCrossEntropy(), data.x_train, data.y_train)
    assert bits(network) == before


@pytest.mark.parametrize("stored", [np.uint8, np.float32, np.float64])
def test_rows_are_cast_to_the_dtype_of_the_network(stored: Any) -> None:
    network = trained_statistics()
    x = np.random.default_rng(1).integers(0, 5, (30, 4))
    target = np.arange(30) % 3
    as_stored = evaluate(network, SoftmaxCrossEntropy(), x.astype(stored), target)
    assert as_stored == evaluate(network, SoftmaxCrossEntropy(), x.astype(np.float32), target)


@pytest.mark.parametrize("n_labels", [0, 500, 1088])
def test_as_many_labels_as_rows_are_evaluated(n_labels: int) -> None:
    x, labels = np.zeros((1024, 4), np.float32), np.zeros(n_labels, int)
    message = rf"^target must have 1024 rows, as x, got \({n_labels},\)\.$"
    with pytest.raises(ShapeError, match=message):
        evaluate(trained_statistics(), SoftmaxCrossEntropy(), x, labels)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, "mse", None])
def test_what_is_no_loss_is_refused(loss: Any) -> None:
    data = toy_data()
    with pytest.raises(ArgumentError, match=r"^loss must be a loss such as SoftmaxCrossEntropy"):
        evaluate(trained_statistics(), loss, data.x_train, data.y_train)
