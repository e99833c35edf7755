"""Simulated children in whom who benefits is known: patients who do not exist, to try predictions on.

Children with a first relapse are randomised between blinatumomab and chemotherapy, and most are transplanted some time
later. One event (relapse or death) has a hazard that is constant up to the transplant and constant after it. What
multiplies it is set: by the level of MRD, the genetics, the timing of the first relapse, the arm and the transplant. The
effect of blinatumomab depends on the level of MRD alone, that of the transplant on the timing of the relapse alone. MRD
that becomes negative afterwards has no effect of its own: it depends on the arm and on the level of MRD, and is only seen
in children who are still without the event.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from casebook.arguments import whole
from casebook.cohort import timing
from casebook.errors import CasebookError

STREAMS = ("baseline", "arm", "accrual", "transplant", "event", "drop-out", "response")
"""What is drawn apart: each from a stream of its own, so that changing one leaves the others as they were."""

GENETICS = ("favourable", "intermediate", "unfavourable")
ASSESSMENTS = (1.0, 2.0, 3.0)
"""Months after the start at which MRD is measured again."""

_RATES = ("hazard", "hsct_rate", "drop_out")
_LARGEST = 1e9
"""Of a number, and of the inverse of a rate or ratio that must be above 0: of larger ones products may be infinite."""
_SHARES = ("blinatumomab", "early")
_RATIOS = (
    "high_mrd_ratio", "genetics_ratios", "early_ratio", "blinatumomab_ratios", "hsct_ratios",
)  # fmt: skip


@dataclass(frozen=True)
class Population:
    """What a cohort is drawn from; every default is assumed.

    Parameters
    ----------
    n : int
        Children.
    blinatumomab, early : float
        The shares randomised to blinatumomab, and with an early first relapse.
    mrd_mean, mrd_sd, mrd_cut : float
        MRD before treatment, decimal logarithm of percent: normal, and high from ``mrd_cut`` on.
    genetics : tuple of float, length 3
        The shares of :data:`GENETICS`.
    hazard : float
        Events per month of a child on chemotherapy with low MRD, favourable genetics and a late relapse, not transplanted.
    high_mrd_ratio, early_ratio : float
        What high MRD and an early relapse multiply the hazard by.
    genetics_ratios : tuple of float, length 3
        The same of each group of :data:`GENETICS`.
    blinatumomab_ratios : tuple of float, length 2
        Hazard ratio of blinatumomab to chemotherapy with low MRD, and with high MRD.
    hsct_ratios : tuple of float, length 2
        Hazard ratio of transplanted to not yet transplanted after a late relapse, and after an early one.
    hsct_from, hsct_rate : float
        From this month on, transplants per month of those who wait.
    response : tuple of two pairs of float
        The probability of a first negative MRD at each assessment: chemotherapy (low MRD, high MRD), blinatumomab (the same).
    accrual, cutoff, drop_out : float
        Months over which children start, evenly; the month of analysis; drop-outs per month.

    Raises
    ------
    CasebookError
        If a value cannot be: shares outside 0 to 1, rates or ratios that are negative or no numbers, an analysis within accrual.
    """

    n: int = 300
    blinatumomab: float = 0.5
    early: float = 0.4
    mrd_mean: float = -1.0
    mrd_sd: float = 0.8
    mrd_cut: float = -1.0
    genetics: tuple[float, float, float] = (0.25, 0.5, 0.25)
    hazard: float = 0.015
    high_mrd_ratio: float = 1.6
    early_ratio: float = 2.0
    genetics_ratios: tuple[float, float, float] = (1.0, 1.5, 2.5)
    blinatumomab_ratios: tuple[float, float] = (0.9, 0.4)
    hsct_ratios: tuple[float, float] = (1.0, 0.6)
    hsct_from: float = 1.0
    hsct_rate: float = 0.3
    response: tuple[tuple[float, float], tuple[float, float]] = ((0.3, 0.15), (0.7, 0.5))
    accrual: float = 24.0
    cutoff: float = 48.0
    drop_out: float = 0.003

    def __post_init__(self) -> None:
        whole(self.n, "n", least=1)
        values = {field.name: self._numbers(field.name) for field in fields(self)}
        least = dict.fromkeys((*_RATES, *_SHARES, "mrd_sd", "hsct_from", "response", "genetics"), 0.0)
        for name, low in least.items():
            self._expect(name, bool((values[name] >= low).all()), "0 or more")
        for name in (*_SHARES, "response"):
            self._expect(name, bool((values[name] <= 1).all()), "at most 1")
        for name in _RATIOS:
            self._expect(name, bool((values[name] > 0).all()), "above 0")
        self._expect("hazard", self.hazard > 0, "above 0")
        for name in (*_RATIOS, "hazard"):
            self._expect(name, bool((values[name] >= 1 / _LARGEST).all()), f"at least {1 / _LARGEST:g}")
        self._expect("genetics", abs(values["genetics"].sum() - 1) < 1e-9, "shares that sum to 1")
        self._expect("accrual", 0 <= self.accrual < self.cutoff, "0 or more, and before the cutoff")

    def _numbers(self, name: str) -> np.ndarray:
        shapes = {"genetics": (3,), "genetics_ratios": (3,), "blinatumomab_ratios": (2,), "hsct_ratios": (2,)}
        shape = shapes.get(name, (2, 2) if name == "response" else ())
        try:
            found = np.asarray(getattr(self, name))
        except ValueError:
            found = np.asarray(None)
        known = found.shape == shape and found.dtype.kind in "iuf" and bool((np.abs(found) <= _LARGEST).all())
        self._expect(name, known, f"numbers of shape {shape}, of at most {_LARGEST:g}")
        return found.astype(float)

    def _expect(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise CasebookError(f"found {name}={getattr(self, name)!r}; expected {expected}")


POPULATION = Population()


def simulate(population: Population = POPULATION, seed: int = 0) -> pd.DataFrame:
    """A cohort, a row a child.

    Parameters
    ----------
    population : Population
    seed : int
        0 or more. The same population and seed give the same cohort.

    Returns
    -------
    DataFrame
        ``id``; ``blinatumomab`` (0 or 1); ``mrd`` (log10 of percent before treatment), ``high_mrd`` (0 or 1); ``genetics``
        (one of :data:`GENETICS`); ``early`` (0 or 1); ``hsct_month`` and ``negative_month`` (of the transplant and of the
        first negative MRD; missing if neither before the end of follow-up); ``months`` from the start of treatment to event
        or censoring; ``event`` (0 or 1). ``attrs["simulated"]`` is True.

    Raises
    ------
    CasebookError
        If the seed is no whole number of 0 or more.
    """
    seed = whole(seed, "seed")
    draw = {
        name: np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(place,))))
        for place, name in enumerate(STREAMS)
    }
    n = int(population.n)
    mrd = population.mrd_mean + population.mrd_sd * draw["baseline"].standard_normal(n)
    high = mrd >= population.mrd_cut
    genetics = draw["baseline"].choice(len(GENETICS), size=n, p=np.array(population.genetics))
    early = draw["baseline"].random(n) < population.early
    arm = draw["arm"].random(n) < population.blinatumomab

    before = population.hazard * np.where(high, population.high_mrd_ratio, 1.0)
    before = before * np.where(early, population.early_ratio, 1.0)
    before = before * np.take(population.genetics_ratios, genetics)
    before = before * np.where(arm, np.take(population.blinatumomab_ratios, high.astype(int)), 1.0)
    after = before * np.take(population.hsct_ratios, early.astype(int))

    hsct = population.hsct_from + _wait(draw["transplant"], population.hsct_rate, n)
    need = draw["event"].standard_exponential(n)
    event = np.where(need <= before * hsct, need / before, np.inf)
    late = np.isinf(
        event
    )  # at the transplant: what is left of the cumulative hazard is reached at the rate after it
    event[late] = hsct[late] + (need[late] - before[late] * hsct[late]) / after[late]

    followed = np.minimum(
        population.cutoff - population.accrual * draw["accrual"].random(n),
        _wait(draw["drop-out"], population.drop_out, n),
    )
    months = np.minimum(event, followed)
    chance = np.array(population.response)[arm.astype(int), high.astype(int)]
    answers = draw["response"].random((len(ASSESSMENTS), n)) < chance
    first = np.where(answers.any(axis=0), np.array(ASSESSMENTS)[answers.argmax(axis=0)], np.inf)
    frame = pd.DataFrame(
        {
            "id": np.arange(1, n + 1),
            "blinatumomab": arm.astype(int),
            "mrd": mrd,
            "high_mrd": high.astype(int),
            "genetics": np.array(GENETICS, dtype=object)[genetics],
            "early": early.astype(int),
            "hsct_month": np.where(hsct < months, hsct, np.nan),
            "negative_month": np.where(first < months, first, np.nan),
            "months": months,
            "event": (event <= followed).astype(int),
        }
    )
    frame.attrs["simulated"] = True
    return frame


def intervals(cohort: pd.DataFrame) -> pd.DataFrame:
    """The rows of a Cox model in which the transplant counts from its month on.

    Parameters
    ----------
    cohort : DataFrame
        As of :func:`simulate`.

    Returns
    -------
    DataFrame
        One row for each child not transplanted, two for the others (before and after): the columns of ``cohort``, with
        ``start``, ``stop`` and ``event`` of the interval (start, stop], ``transplanted`` (0 or 1), and indicators
        ``intermediate`` and ``unfavourable`` of the genetics.
    """
    rows = timing.periods(cohort["months"], cohort["event"], cohort["hsct_month"], ties="before")
    children = cohort.drop(columns="event").iloc[rows["patient"]].reset_index(drop=True)
    return children.assign(
        start=rows["start"],
        stop=rows["stop"],
        event=rows["event"],
        transplanted=rows["treated"],
        **{name: children["genetics"].eq(name).astype(int) for name in GENETICS[1:]},
    )


def _wait(stream: np.random.Generator, rate: float, n: int) -> np.ndarray:
    waits = stream.standard_exponential(n)
    with np.errstate(over="ignore"):  # so rare that it never comes
        return np.divide(waits, rate, out=np.full(n, np.inf), where=rate > 0)
