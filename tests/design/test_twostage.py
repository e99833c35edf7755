"""Simon's two-stage designs: against his printed table, R's enumeration, and every course that a study can take."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casebook.design import exact, twostage
from casebook.errors import CasebookError

R = pd.read_csv(Path(__file__).with_name("oracles") / "exact.csv").query("quantity == 'simon'")
"""Made by ``oracles/exact.R`` (R 4.2.2, package stats): every design up to a size, each added up as it is defined."""

PRINTED = {
    (0.05, 0.25, 0.05, 0.2): ((0, 9, 2, 17, 12.0), (0, 12, 2, 16, 13.8)),
    (0.10, 0.30, 0.05, 0.2): ((1, 10, 5, 29, 15.0), (1, 15, 5, 25, 19.5)),
    (0.10, 0.30, 0.05, 0.1): ((2, 18, 6, 35, 22.5), (2, 22, 6, 33, 26.2)),
    (0.20, 0.40, 0.05, 0.2): ((3, 13, 12, 43, 20.6), (4, 18, 10, 33, 22.3)),
    (0.30, 0.50, 0.05, 0.2): ((5, 15, 18, 46, 23.6), (6, 19, 16, 39, 25.7)),
    (0.30, 0.50, 0.05, 0.1): ((8, 24, 24, 63, 34.7), (7, 24, 21, 53, 36.6)),
}
"""Simon 1989, Table 1 (p1 - p0 = .20), by p0, p1, alpha and beta: r1, n1, r, n and the mean size at p0, of the optimal and the
minimax design. The rows as they are commonly quoted; the paper was not read. R's enumeration gives the same for four of them."""


@pytest.mark.parametrize("plan", PRINTED)
def test_designs_are_those_of_simons_table(plan):
    p0, p1, alpha, beta = plan
    found = twostage.simon(p0, p1, alpha=alpha, power=1 - beta)
    for design, printed in zip((found.optimal, found.minimax), PRINTED[plan], strict=True):
        assert (*design[:4], round(design.mean_n, 1)) == printed


@pytest.mark.parametrize("row", list(R.itertuples()), ids=lambda row: f"{row.a}-{row.b}-{row.kind}")
def test_designs_and_their_characteristics_are_those_of_enumeration(row):
    found = getattr(twostage.simon(row.a, row.b, alpha=row.c, power=row.d), row.kind)
    assert found == pytest.approx([getattr(row, f"v{i}") for i in range(1, 9)], rel=1e-9)


@pytest.mark.parametrize("rate", [0, 0.2, 0.7, 1])
def test_characteristics_are_those_of_every_sequence_of_responses(rate):
    # By hand: all 2^6 sequences of six children, stopping after 3 unless 2 respond, refuting with 4 of 6.
    refutes = stops = size = 0.0
    for responses in itertools.product((0, 1), repeat=6):
        chance = rate ** sum(responses) * (1 - rate) ** (6 - sum(responses))
        stopped = sum(responses[:3]) <= 1
        stops += chance * stopped
        refutes += chance * (not stopped and sum(responses) > 3)
        size += chance * (3 if stopped else 6)
    found = twostage.operating(1, 3, 3, 6, rate)
    assert found == pytest.approx((refutes, stops, size), abs=1e-14)


@settings(max_examples=40)
@given(st.floats(0.05, 0.7), st.floats(0.15, 0.25), st.sampled_from([0.05, 0.1]), st.sampled_from([0.8, 0.9]))
def test_no_design_is_better_than_what_it_is_best_at(p0, rise, alpha, power):
    p1 = min(p0 + rise, 0.95)
    found = twostage.simon(p0, p1, alpha=alpha, power=power)
    single = exact.single_arm(p0, p1, alpha=alpha, power=power)
    for design in found.admissible:
        own = twostage.operating(*design[:4], [p0, p1])
        assert own.refutes == pytest.approx([design.size, design.power])
        assert (own.early_stop[0], own.mean_n[0]) == pytest.approx((design.early_stop, design.mean_n))
        assert design.size <= alpha * (1 + 1e-8)
        assert design.power >= power
        assert found.minimax.n <= design.n <= found.optimal.n
        assert found.optimal.mean_n <= design.mean_n <= found.minimax.mean_n
    assert found.admissible[0] == found.minimax
    assert found.admissible[-1] == found.optimal
    assert found.optimal.mean_n <= single.n


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "power"),
    [(0.01, 0.3, 0.05, 0.8), (0.001, 0.3, 0.05, 0.8), (0.1, 0.3, 0.5, 0.8), (0.2, 0.4, 0.4, 0.6)],
)
def test_where_the_first_sizes_have_no_first_stage_the_search_goes_on(p0, p1, alpha, power):
    # Every design of 14 children or fewer; the mean size found shows that none larger is better: n1 is at least as large.
    designs = []
    for n in range(2, 15):
        for n1, r in itertools.product(range(1, n), range(n)):
            for r1 in range(min(n1, r + 1)):
                refutes, _, mean_n = twostage.operating(r1, n1, r, n, [p0, p1])
                if refutes[0] <= alpha and refutes[1] >= power:
                    designs.append((mean_n[0], n))
    found = twostage.simon(p0, p1, alpha=alpha, power=power)
    smallest = min(n for _, n in designs)
    assert found.optimal.mean_n == pytest.approx(min(designs)[0])
    assert found.minimax.n == smallest
    assert found.minimax.mean_n == pytest.approx(min(mean for mean, n in designs if n == smallest))


def test_admissible_designs_are_the_corners_of_the_lower_hull():
    found = twostage.simon(0.5, 0.65, power=0.9).admissible
    assert len(found) > 2
    slopes = [(b.mean_n - a.mean_n) / (b.n - a.n) for a, b in itertools.pairwise(found)]
    assert slopes == sorted(slopes)
    assert max(slopes) < 0


def test_rates_of_any_shape():
    rates = np.array([[0.1, 0.3], [0.5, 1]])
    found = twostage.operating(1, 10, 5, 29, rates)
    assert found.mean_n.shape == rates.shape
    # Simon 1989, as above: 10 + (1 - .7361) 19 = 15.0 at a rate of .1; with all responding, all 29.
    assert found.mean_n[0, 0] == pytest.approx(15.014, abs=1e-3)
    assert found.mean_n[1, 1] == 29


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: twostage.simon(0.3, 0.3), "p1: found 0.3, expected more than p0, 0.3"),
        (lambda: twostage.simon(0, 0.3), "p0: found 0, expected"),
        (lambda: twostage.simon(0.1, 0.3, power=0.01), "power: found 0.01, expected more than alpha"),
        (lambda: twostage.simon(0.01, 0.95), "power: found 0.95 with a single child"),
        (lambda: twostage.simon(0.5, 0.52), "expected ones that at most 200 children tell apart"),
        (lambda: twostage.simon(1e-4, 2e-4, alpha=0.5, power=0.50005), "two stages of at most 400 children"),
        (lambda: twostage.operating(3, 3, 4, 6, 0.1), "r1: found 3, expected a whole number from 0 to 2"),
        (lambda: twostage.operating(1, 6, 4, 6, 0.1), "n1: found 6, expected a whole number from 1 to 5"),
        (lambda: twostage.operating(2, 3, 1, 6, 0.1), "r: found 1, expected a whole number from 2 to 5"),
        (lambda: twostage.operating(1, 3, 3, 6, 1.1), "found the rate 1.1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(call, words):
    with pytest.raises(CasebookError) as error:
        call()
    assert words in str(error.value)
