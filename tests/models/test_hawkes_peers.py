"""Log-likelihoods that other packages find for the same times and parameters.

Conventions: times run from 0 to the end of the window, the background begins at 0, the first event
counts as an outcome, and the compensator is the integral of the intensity from 0 to the end of the
window: mu T + kappa Σ (1 - exp(-theta (T - t_i))). HawkesPyLib takes 1 / theta, hawkesbook takes
kappa theta (exponential) and 1 + theta (power law); two give the negative. "Hawkes" tells the
log-likelihood only at its own estimates, which stand in the table as parameters.
"""

from pathlib import Path

import polars as pl
import pytest

import viralkit as vk

TIMES = [0.3, 0.7, 1.1, 1.15, 2.6, 2.9, 3.0, 4.8, 7.7, 7.9, 8.05, 9.4]
PEERS = pl.read_csv(Path(__file__).with_name("hawkes_peers.csv"))


@pytest.mark.parametrize("row", PEERS.to_dicts(), ids=lambda row: row["peer"])
def test_log_likelihood_is_that_of_other_packages(row: dict) -> None:
    params = {name: row[name] for name in ("mu", "kappa", "theta", "c") if row[name] is not None}
    model = vk.Hawkes(TIMES, kernel=row["kernel"], background="constant", observed_until=10.0)
    assert model.loglike(params) == pytest.approx(row["log_likelihood"], rel=1e-10)


def test_at_least_three_packages_are_asked() -> None:
    assert PEERS.filter(kernel="exponential")["peer"].n_unique() >= 3
