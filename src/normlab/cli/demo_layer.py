"""``normlab demo-layer``."""

from typing import Annotated, Any

import typer


def demo_layer(
    seed: Annotated[int, typer.Option(min=0, help="Of the random numbers.")] = 0,
) -> None:
    """Show batch normalization at work on a 4 x 3 random matrix: forward, backward, statistics."""
    import numpy as np

    from normlab import gradcheck
    from normlab.layers import BatchNorm

    rng = np.random.default_rng(seed)
    x, dy = rng.normal(loc=5.0, scale=3.0, size=(4, 3)), rng.normal(size=(4, 3))
    layer = BatchNorm(3, dtype=np.float64)
    layer.parameters["gamma"][...] = gamma = np.array([1.0, 2.0, 0.5])
    layer.parameters["beta"][...] = beta = np.array([0.0, 1.0, -1.0])

    y, cache = layer.forward(x, training=True)
    x_hat = (x - cache.mean) * cache.inv_std
    _say("x, the input: 4 rows of 3 features", x)
    _say("mean of each feature", cache.mean)
    _say("var, biased", x.var(axis=0))
    _say("x_hat = (x - mean) / sqrt(var + eps), the normalized input", x_hat)
    _say("gamma", gamma)
    _say("beta", beta)
    _say("y = gamma x_hat + beta, the output", y)

    dx, gradients = layer.backward(dy, cache)
    _say("dy, a random upstream gradient", dy)
    _say("dx = gamma / sqrt(var + eps) (dy - d_beta / 4 - x_hat d_gamma / 4)", dx)
    _say("d_gamma = sum(dy x_hat)", gradients["gamma"])
    _say("d_beta = sum(dy)", gradients["beta"])
    _say("each column of dx sums to 0", dx.sum(axis=0))
    _say("and is orthogonal to x_hat, up to eps", (dx * x_hat).sum(axis=0))
    error = gradcheck.directional(layer, x, rng=rng)
    typer.echo(f"\nerror against central differences: {error:.0e}")

    layer.update_statistics(cache)
    _say("running mean after one update, 0.9 x 0 + 0.1 mean", layer.running_mean)
    _say("running var, 0.9 x 1 + 0.1 x the unbiased var", layer.running_var)


def _say(what: str, values: Any) -> None:
    import numpy as np

    rounded = values.round(4) + 0.0  # 0 without a sign
    text = np.array2string(rounded, precision=4, floatmode="fixed", suppress_small=True)
    typer.echo(f"\n{what}\n{text}")
