"""The Bass fit on 13 points beside scipy and the Bass packages of PyPI, answers included."""

import contextlib
import importlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import curve_fit

import viralkit as vk
from benchmarks.timing import Row, best

# room air conditioners, United States 1949-1961, thousand units (Steffens and Murthy 1992)
SALES = [96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673, 1800, 1580, 1500]
TIME = np.arange(len(SALES), dtype=float)
Answer = tuple[float, float, float]


def counts() -> pl.DataFrame:
    columns = {"item": "air conditioners", "time": TIME, "period_end": TIME + 1, "count": SALES}
    return pl.DataFrame(columns).with_columns(kind=pl.lit("incremental"))


def ours() -> Answer:
    fit = vk.Bass(counts(), unit="period", start=0.0).fit(family="normal")
    return fit.params["p"], fit.params["q"], fit.params["m"]


def scipy_curve_fit() -> Answer:
    edges = np.append(TIME, TIME[-1] + 1)

    def sold(_: object, p: float, q: float, m: float) -> np.ndarray:
        decay = np.exp(-(p + q) * edges)
        return np.diff(m * (1 - decay) / (1 + q / p * decay))

    found, _ = curve_fit(sold, TIME, SALES, p0=[0.01, 0.3, sum(SALES)])
    return tuple(found)


def file_of(values: list[float], header: str) -> str:
    path = Path(tempfile.mkdtemp()) / "sales.csv"
    path.write_text(header + "".join(f"{i + 1},{v}\n" for i, v in enumerate(values)))
    return str(path)


def bass_model() -> Answer:
    """Its fit takes the file's second column as the running total."""
    module = importlib.import_module("bass_model.bass_model")
    return tuple(module.Bass_model(file_of(np.cumsum(SALES).tolist(), "")).fit_model())


def bassmodeldiffusion() -> Answer:
    module = importlib.import_module("bassmodeldiffusion.modeling.modeling")
    model = module.Modeling(file_of(SALES, "period,sales\n"))
    model.fit()
    m, p, q = model.predict()
    return p, q, m


def mybassm() -> Answer:
    found = importlib.import_module("mybassm.mybassm").diffusion(np.cumsum(SALES), TIME + 1)
    return found["p"], found["q"], found["m"]


PEERS: dict[str, Callable[[], Answer]] = {
    "scipy curve_fit": scipy_curve_fit,
    "bass-model": bass_model,
    "bassmodeldiffusion": bassmodeldiffusion,
    "mybassm": mybassm,
}


def row(name: str, peer: Callable[[], Answer], mine: float) -> Row:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(ImportError):
        p, q, m = peer()
        answer = f"p={p:.4g} q={q:.4g} m={m:.5g}, no standard error"
        answer = answer.replace(", no standard error", "") if "scipy" in name else answer
        return Row("Bass fit", "13 points", mine, name, best(peer, 20), answer)
    return Row("Bass fit", "13 points", mine, name, None)


def rows() -> list[Row]:
    """Time each peer on the same series; the note holds its answer (ours is in the first row)."""
    p, q, m = ours()
    model = vk.Bass(counts(), unit="period", start=0.0)
    errors = model.fit(family="normal").bse
    said = " ".join(f"{k}={v:.4g}±{errors[k]:.2g}" for k, v in zip("pqm", (p, q, m), strict=True))
    mine, solver = best(ours, 50), best(lambda: model.fit(family="normal"), 50)
    first = Row("Bass: solver alone", "13 points", solver, "the whole call", mine, f"ours: {said}")
    return [first, *(row(name, peer, mine) for name, peer in PEERS.items())]
