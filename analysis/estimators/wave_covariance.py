"""Covariance of the waves of one person: unstructured, heterogeneous Toeplitz and AR(1), compound symmetry."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.estimators.survival_curves import Floats

STRUCTURES = ("unstructured", "toeplitz", "ar1", "compound_symmetry")


@dataclass(frozen=True)
class Structure:
    """A family of T x T covariances: `at` gives the matrix and its derivatives (k x T x T) at k free parameters,
    `start` the parameters nearest to a given covariance."""

    name: str
    start: Callable[[Floats], Floats]
    at: Callable[[Floats], tuple[Floats, Floats]]


def structure(name: str, waves: int) -> Structure:
    """The structure of that name for `waves` waves."""
    if name == "unstructured":
        return Structure(name, _start_unstructured, lambda theta: _unstructured(theta, waves))
    if name == "compound_symmetry":
        return Structure(name, _start_symmetric, lambda theta: _symmetric(theta, waves))
    lags = waves - 1 if name == "toeplitz" else min(waves - 1, 1)
    pattern = _toeplitz if name == "toeplitz" else _autoregressive
    return Structure(name, lambda sigma: _start_lags(sigma, lags), lambda theta: _heterogeneous(theta, waves, pattern))


def positive(sigma: Floats) -> Floats:
    """The nearest covariance whose correlations have eigenvalues of at least 0.05: a start that can be factored."""
    scale = np.sqrt(np.diag(sigma))
    values, vectors = np.linalg.eigh(sigma / np.outer(scale, scale))
    mended = (vectors * np.maximum(values, 0.05)) @ vectors.T
    again = scale / np.sqrt(np.diag(mended))
    return np.asarray(mended * np.outer(again, again))


def _start_unstructured(sigma: Floats) -> Floats:
    factor = np.linalg.cholesky(sigma)
    rows, columns = np.tril_indices(sigma.shape[0])
    values = factor[rows, columns]
    return np.where(rows == columns, np.log(np.where(rows == columns, values, 1.0)), values)


def _unstructured(theta: Floats, waves: int) -> tuple[Floats, Floats]:
    """Sigma = L L' with the logarithms of the diagonal of L free."""
    rows, columns = np.tril_indices(waves)
    diagonal = rows == columns
    values = np.where(diagonal, np.exp(np.where(diagonal, theta, 0.0)), theta)
    factor = np.zeros((waves, waves))
    factor[rows, columns] = values
    moved = np.zeros((theta.size, waves, waves))
    moved[np.arange(theta.size), rows, columns] = np.where(diagonal, values, 1.0)
    half = moved @ factor.T
    return factor @ factor.T, half + half.transpose(0, 2, 1)


def _start_symmetric(sigma: Floats) -> Floats:
    waves = sigma.shape[0]
    variance = float(np.mean(np.diag(sigma)))
    low = -1 / (waves - 1) if waves > 1 else 0.0
    mean = (sigma.sum() - np.trace(sigma)) / (waves * (waves - 1)) / variance if waves > 1 else 0.0
    share = np.clip((mean - low) / (1 - low), 0.05, 0.95)
    return np.array([np.log(variance) / 2, np.log(share / (1 - share))])[: min(waves, 2)]


def _symmetric(theta: Floats, waves: int) -> tuple[Floats, Floats]:
    """One variance and one correlation, the latter anywhere between its lowest possible value and 1."""
    variance = np.exp(2 * theta[0])
    if waves == 1:
        return np.array([[variance]]), np.array([[[2 * variance]]])
    low, share = -1 / (waves - 1), 1 / (1 + np.exp(-theta[1]))
    apart = 1.0 - np.eye(waves)
    sigma = variance * (np.eye(waves) + (low + (1 - low) * share) * apart)
    return sigma, np.stack([2 * sigma, variance * (1 - low) * share * (1 - share) * apart])


def _start_lags(sigma: Floats, lags: int) -> Floats:
    scale = np.sqrt(np.diag(sigma))
    correlation = sigma / np.outer(scale, scale)
    means = [float(np.mean(np.diag(correlation, lag + 1))) for lag in range(lags)]
    return np.concatenate([np.log(scale), np.arctanh(np.clip(means, -0.9, 0.9))])


def _heterogeneous(
    theta: Floats, waves: int, pattern: Callable[[Floats, int], tuple[Floats, Floats]]
) -> tuple[Floats, Floats]:
    """A deviation for each wave (logarithm free) around a correlation by lag (inverse tanh free)."""
    scale, rho = np.exp(theta[:waves]), np.tanh(theta[waves:])
    correlation, by_rho = pattern(rho, waves)
    outer = np.outer(scale, scale)
    sigma = outer * correlation
    by_scale = np.zeros((waves, waves, waves))
    for wave in range(waves):
        by_scale[wave, wave, :] += sigma[wave]
        by_scale[wave, :, wave] += sigma[:, wave]
    return sigma, np.concatenate([by_scale, outer * by_rho * (1 - rho**2)[:, None, None]])


def _distance(waves: int) -> Floats:
    place = np.arange(waves)
    return np.abs(place[:, None] - place)


def _toeplitz(rho: Floats, waves: int) -> tuple[Floats, Floats]:
    lag = _distance(waves)
    masks = np.array([lag == step + 1 for step in range(rho.size)], dtype=np.float64).reshape(-1, waves, waves)
    return np.eye(waves) + np.tensordot(rho, masks, axes=1), masks


def _autoregressive(rho: Floats, waves: int) -> tuple[Floats, Floats]:
    lag = _distance(waves)
    if rho.size == 0:
        return np.eye(waves), np.zeros((0, waves, waves))
    slope = np.where(lag > 0, lag * rho[0] ** np.maximum(lag - 1, 0), 0.0)
    return np.asarray(rho[0] ** lag), slope[None]
