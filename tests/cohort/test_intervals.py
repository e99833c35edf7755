"""Events between two examinations: against R, hand-worked cases, Kaplan-Meier where times are known, and simulated truths."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casebook.cohort import intervals, permutation, support
from casebook.cohort.comparison import log_rank
from casebook.cohort.estimate import kaplan_meier
from casebook.cohort.intervals import between_examinations, bootstrap, score_test, scores, turnbull
from casebook.cohort.risktable import tabulate, tabulate_by
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "intervals.csv")
"""Made by ``oracles/intervals.R`` (R 4.2.2, survival 3.5-3, npsurv 0.5-0, KMsurv 0.1-5), of ``intervals_data.csv``."""

DATA = dict(list(pd.read_csv(ORACLES / "intervals_data.csv").groupby("data", sort=False)))
INF = math.inf


def from_r(data: str, quantity: str) -> np.ndarray:
    return R[(R.data == data) & (R.quantity == quantity)].sort_values("place").value.to_numpy()


def estimate(data: str) -> intervals.Turnbull:
    return turnbull(DATA[data].lower, DATA[data].upper)


@st.composite
def cohorts(draw, largest=12):
    """Few distinct times, so that ends meet in every way; known times, right- and left-censored, intervals."""
    n = draw(st.integers(1, largest))
    lower = np.array(draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)), float)
    width = np.array(draw(st.lists(st.sampled_from([0, 0, 1, 2, 3, INF]), min_size=n, max_size=n)))
    return lower, lower + width


# -- against R ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", DATA)
def test_masses_are_those_of_a_constrained_newton_method_and_of_expectation_and_maximization(data):
    found = estimate(data)
    np.testing.assert_allclose(found.mass, from_r(data, "npsurv"), atol=1e-9)
    # Of "small", EM has not come to its end after 2e5 steps: its log-likelihood is .00000000012 lower.
    np.testing.assert_allclose(found.mass, from_r(data, "em"), atol=1e-5 if data == "small" else 1e-8)
    assert found.log_likelihood == pytest.approx(from_r(data, "loglik").item(), abs=1e-9)


@pytest.mark.parametrize("data", DATA)
def test_survival_is_that_of_survfit_as_far_as_that_goes(data):
    survival = estimate(data).frame().survival[np.isfinite(estimate(data).right)]
    # survfit ends when survival changes by less than 5e-5 in a step, which here is up to .0033 from the maximum.
    np.testing.assert_allclose(survival, from_r(data, "survfit"), atol=4e-3)


def test_turnbulls_doubly_censored_cohort_has_the_survival_he_printed():
    # Turnbull 1974, n = 44: .538 .295 .210 .095, as in survival's own tests.
    assert estimate("turnbull1974").at([1, 2, 3, 4]).upper.tolist() == pytest.approx(
        [0.538, 0.295, 0.210, 0.095], abs=5e-4
    )


@pytest.mark.parametrize("data", DATA)
def test_scores_and_their_permutational_variance_are_those_worked_patient_by_patient(data):
    rows = DATA[data]
    found = score_test(rows.group, rows.lower, rows.upper, permutations=300)
    second = rows.group.unique()[1]
    assert found.score[second] == pytest.approx(from_r(data, "score").item(), abs=1e-6)
    assert found.statistic == pytest.approx(from_r(data, "z").item(), abs=1e-6)
    every = from_r(data, "p_all")
    assert found.exhaustive == bool(every.size)
    if every.size:
        assert found.p == pytest.approx(every.item())


# -- by hand --------------------------------------------------------------------------------------------------------


def test_mass_lies_where_an_interval_begins_and_another_ends():
    # (0, 2], (1, 3], (4, 5]: innermost are (1, 2], in the first two, and (4, 5]. Masses 2/3 and 1/3.
    found = turnbull([0, 1, 4], [2, 3, 5])
    assert (found.left.tolist(), found.right.tolist()) == ([1, 4], [2, 5])
    assert found.mass.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert found.log_likelihood == pytest.approx(2 * math.log(2 / 3) + math.log(1 / 3))


def test_an_interval_that_ends_where_another_begins_does_not_meet_it():
    # (0, 2] and (2, 4] share no time: half of the mass in each. With [0, 2] and [2, 4] all would be at 2.
    found = turnbull([0, 2], [2, 4])
    assert found.frame()[["left", "right", "mass"]].to_numpy().tolist() == [[0, 2, 0.5], [2, 4, 0.5]]
    # A known time 2 is in the first and not in the second.
    found = turnbull([0, 2, 2], [2, 4, 2])
    assert found.frame()[["left", "right"]].to_numpy().tolist() == [[2, 2], [2, 4]]
    assert found.mass.tolist() == pytest.approx([2 / 3, 1 / 3])


def test_three_overlapping_intervals_share_their_mass_by_a_quadratic():
    # (0, 1], (0, 2], (1, 3], (2, 3]: innermost (0, 1], (1, 2], (2, 3]. By symmetry p, 1 - 2p, p; the likelihood is
    # p**2 (1 - p)**2, greatest at p = 1/2: the middle has none, and its multiplier is below 0: 2/(1/2) = 4 = n, so 0 at the edge.
    found = turnbull([0, 0, 1, 2], [1, 2, 3, 3])
    assert found.mass.tolist() == pytest.approx([0.5, 0, 0.5], abs=1e-4)
    # One more (0, 3] changes nothing; two more (1, 2] give p**2 (1 - p)**2 (1 - 2p)**2: derivative 0 at 1/p - 1/(1 - p) =
    # 2/(1 - 2p), so 6p**2 - 6p + 1 = 0, p = (3 - sqrt 3)/6.
    p = (3 - math.sqrt(3)) / 6
    found = turnbull([0, 0, 1, 2, 1, 1], [1, 2, 3, 3, 2, 2])
    assert found.mass.tolist() == pytest.approx([p, 1 - 2 * p, p])


def test_within_an_interval_survival_is_only_bounded_and_at_its_ends_it_is_known():
    # Masses 2/3 in (1, 2] and 1/3 in (4, 5].
    found = turnbull([0, 1, 4], [2, 3, 5]).at([4.5, 0, 1, 1.5, 2, 3, 4, 5, 9])
    assert found.time.tolist() == [4.5, 0, 1, 1.5, 2, 3, 4, 5, 9]
    third = 1 / 3
    assert found.lower.tolist() == pytest.approx([0, 1, 1, third, third, third, third, 0, 0])
    assert found.upper.tolist() == pytest.approx([third, 1, 1, 1, third, third, third, 0, 0])


def test_at_a_known_time_survival_has_already_fallen():
    found = turnbull([2, 4], [2, 4]).at([1.9, 2, 3, 4])
    assert found.lower.tolist() == found.upper.tolist() == [1, 0.5, 0.5, 0]


# -- edges ----------------------------------------------------------------------------------------------------------


def test_one_patient_and_patients_alike_have_all_mass_in_one_interval():
    for n in (1, 7):
        found = turnbull([2] * n, [5] * n)
        assert found.frame().to_numpy().tolist() == [[2, 5, 1, 0, 0]]
        assert (found.log_likelihood, found.excess, found.n) == (0, 0, n)


def test_all_right_censored_have_survival_1_up_to_the_last_and_then_anything():
    found = turnbull([3, 8, 5], [INF] * 3)
    assert found.frame()[["left", "right", "mass"]].to_numpy().tolist() == [[8, INF, 1]]
    assert found.at([8, 9]).to_numpy().tolist() == [[8, 1, 1], [9, 0, 1]]


def test_intervals_that_do_not_meet_have_a_share_each():
    found = turnbull([0, 2, 4, 6], [1, 3, 5, 7])
    assert found.mass.tolist() == pytest.approx([0.25] * 4)


def test_all_left_censored_fall_before_the_first_examination():
    found = turnbull([0, 0, 0], [4, 2, 9])
    assert found.frame()[["left", "right", "mass"]].to_numpy().tolist() == [[0, 2, 1]]


# -- what holds always ------------------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None, derandomize=True)
@given(cohorts())
def test_the_certificate_holds_for_every_cohort(cohort):
    lower, upper = cohort
    found = turnbull(lower, upper)
    inside = (lower[:, None] <= found.left) & (found.right <= upper[:, None])
    # Of (l, u] the time l itself is not one.
    inside &= ~((found.left == found.right) & (found.left == lower[:, None]) & (upper > lower)[:, None])
    probability = inside @ found.mass
    assert (probability > 0).all()
    assert found.mass.sum() == pytest.approx(1)
    # The derivatives of the log-likelihood are at most n in every direction, and n where there is mass.
    slope = (inside / probability[:, None]).sum(axis=0)
    assert slope.max() <= lower.size * (1 + 1e-9)
    np.testing.assert_allclose(slope / lower.size - 1, found.multiplier, atol=1e-9)
    np.testing.assert_allclose((slope - lower.size) * found.mass, 0, atol=1e-4)
    assert found.excess <= lower.size * support.TOLERANCE
    assert found.log_likelihood == pytest.approx(np.log(probability).sum(), abs=1e-9)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(cohorts(), st.integers(0, 2**31))
def test_no_other_distribution_is_likelier(cohort, seed):
    lower, upper = cohort
    found = turnbull(lower, upper)
    place = np.arange(found.mass.size)
    *_, first, last = support.innermost(lower, upper)
    inside = (first[:, None] <= place) & (place <= last[:, None])
    random = np.random.default_rng(seed)
    for _ in range(5):
        other = 0.9 * found.mass + 0.1 * random.dirichlet(np.ones(place.size))
        assert np.log(inside @ other).sum() <= found.log_likelihood + lower.size * support.TOLERANCE


@settings(max_examples=100, deadline=None, derandomize=True)
@given(cohorts())
def test_where_times_are_known_or_right_censored_it_is_kaplan_meier(cohort):
    time, upper = cohort
    known = np.isfinite(upper)
    found = turnbull(time, np.where(known, time, INF))
    curve = kaplan_meier(tabulate(time, known.astype(int)))
    times = np.unique(time)
    expected = curve.at(times).estimate
    np.testing.assert_allclose(found.at(times).upper, expected, atol=1e-6)
    np.testing.assert_allclose(found.at(times).lower, expected, atol=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cohorts(), st.lists(st.integers(1, 2), min_size=12, max_size=12))
def test_scores_add_up_to_0_and_of_known_times_to_the_log_rank_score(cohort, groups):
    time, upper = cohort
    known = np.isfinite(upper)
    groups = np.array(groups)[: time.size]
    assert scores(time, upper).sum() == pytest.approx(0, abs=1e-5)
    of_group = scores(time, np.where(known, time, INF))[groups == 2].sum()
    tables = tabulate_by(groups, time, known.astype(int))
    try:
        test = log_rank(tables)
    except CasebookError:  # one group, or nothing to compare
        return
    assert of_group == pytest.approx(test.observed[2] - test.expected[2], abs=1e-5)


def test_the_order_of_patients_does_not_matter_and_each_twice_is_the_same():
    rows = DATA["visits"]
    found, shuffled = estimate("visits"), rows.sample(frac=1, random_state=1)
    np.testing.assert_allclose(turnbull(shuffled.lower, shuffled.upper).mass, found.mass, atol=1e-12)
    twice = turnbull(np.repeat(rows.lower, 2), np.repeat(rows.upper, 2))
    np.testing.assert_allclose(twice.mass, found.mass, atol=1e-6)


def test_a_thousand_patients_are_certain_to_a_ten_millionth():
    random = np.random.default_rng(3)
    visits = np.cumsum(random.exponential(0.5, (1000, 10)), axis=1)
    visits = np.column_stack([np.zeros(1000), visits, np.full(1000, INF)])
    place = (visits < random.weibull(1.3, 1000)[:, None]).sum(axis=1)
    found = turnbull(visits[np.arange(1000), place - 1], visits[np.arange(1000), place])
    assert found.excess < 1e-7
    assert (found.mass > 1e-9).sum() < 100 < found.mass.size


# -- limits -----------------------------------------------------------------------------------------------------------


def test_limits_are_the_same_for_a_seed_hold_the_estimate_and_widen_with_confidence():
    rows = DATA["schedule"]
    one, two = (bootstrap(rows.lower, rows.upper, [3, 4, 12], samples=100) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    assert (one.lower_limit <= one.lower).all()
    assert (one.upper <= one.upper_limit).all()
    narrow = bootstrap(rows.lower, rows.upper, [3, 4, 12], samples=100, confidence=0.5)
    assert (narrow.upper_limit - narrow.lower_limit < one.upper_limit - one.lower_limit).all()


def test_at_a_visit_of_all_limits_are_those_of_a_proportion():
    # 40 of 100 events by the only visit: survival .6, with the error sqrt(.24/100) = .049 and so limits near .504 and .696.
    lower, upper = np.repeat([0.0, 2.0], [40, 60]), np.repeat([2.0, INF], [40, 60])
    found = bootstrap(lower, upper, [2], samples=1000).iloc[0]
    assert (found.lower, found.upper) == (0.6, 0.6)
    assert (found.lower_limit, found.upper_limit) == pytest.approx((0.504, 0.696), abs=0.015)


def test_without_an_event_limits_are_1_and_1_which_the_page_must_not_print_as_knowledge():
    found = bootstrap([3, 8, 5], [INF] * 3, [3], samples=20)
    assert found[["lower_limit", "upper_limit"]].to_numpy().tolist() == [[1, 1]]


# -- two groups -----------------------------------------------------------------------------------------------------


def test_all_ways_to_deal_six_labels_are_counted_by_hand():
    # Known times 1 to 6, the first three in one group. Scores are 1 - H: of the first three 5/6, 5/6 - 1/5, 19/30 - 1/4, the
    # greatest three. Of the 20 ways to choose three, only this and its opposite are so far from 0: p = 2/20.
    time = np.arange(1.0, 7)
    found = score_test(["early"] * 3 + ["late"] * 3, time, time)
    assert (found.p, found.permutations, found.exhaustive) == (0.1, 20, True)
    assert found.score["early"] == pytest.approx(5 / 6 + 19 / 30 + 23 / 60)
    assert found.score["early"] == -found.score["late"]


def test_dealt_labels_come_near_to_all_of_them_and_to_the_normal():
    rows = DATA["small"]
    dealt = score_test(rows.group, rows.lower, rows.upper, permutations=69)
    assert (dealt.permutations, dealt.exhaustive) == (69, False)
    assert dealt.p == pytest.approx(score_test(rows.group, rows.lower, rows.upper).p, abs=0.1)
    many = score_test(DATA["cosmesis"].group, DATA["cosmesis"].lower, DATA["cosmesis"].upper)
    # p of a normal .0037; of 9,999 permutations with an error of some .0006.
    assert many.p == pytest.approx(many.p_normal, abs=0.002)
    assert many == score_test(DATA["cosmesis"].group, DATA["cosmesis"].lower, DATA["cosmesis"].upper)


def test_labels_dealt_at_random_never_have_a_p_of_0_as_those_found_are_one_way_of_dealing_them():
    # Of 2 * 20 known times the first 20 in one group: of 137,846,528,820 ways two are as extreme, so none of 99 dealt is.
    time = np.arange(1.0, 41)
    found = score_test(np.repeat(["early", "late"], 20), time, time, permutations=99)
    assert (found.p, found.exhaustive) == (1 / 100, False)


def test_ways_are_gone_through_block_by_block_and_all_of_them(monkeypatch):
    rows = DATA["small"]
    whole = score_test(rows.group, rows.lower, rows.upper)
    monkeypatch.setattr(permutation, "BLOCK", 16)
    assert score_test(rows.group, rows.lower, rows.upper) == whole
    # 8 patients, 4 of each group.
    assert [len(block) for block in permutation._every(np.arange(8.0), 4)] == [16, 16, 16, 16, 6]
    assert [len(block) for block in permutation._dealt(np.arange(8.0), 4, 40, 0)] == [16, 16, 8]


def test_p_is_uniform_where_groups_are_alike_and_small_where_they_are_not():
    random = np.random.default_rng(11)

    def p_values(ratio: float, runs: int) -> np.ndarray:
        found = []
        for _ in range(runs):
            group = np.arange(40) % 2
            time = random.exponential(1, 40) * np.where(group, ratio, 1)
            visits = np.column_stack([np.zeros(40), np.sort(random.uniform(0, 3, (40, 4))), np.full(40, INF)])
            place = (visits < time[:, None]).sum(axis=1)
            lower, upper = visits[np.arange(40), place - 1], visits[np.arange(40), place]
            found.append(score_test(group, lower, upper, permutations=99).p)
        return np.array(found)

    alike = p_values(1.0, 300)
    # Of 300, a share of .05 has the error .0126, one of .5 the error .029.
    assert (alike <= 0.05).mean() <= 0.05 + 3 * 0.0126
    assert (alike <= 0.5).mean() == pytest.approx(0.5, abs=3 * 0.029)
    assert (p_values(4.0, 50) <= 0.05).mean() > 0.6


# -- truth that is known ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def biases():
    """200 cohorts of 200, exponential with mean 1, examined near 0.5, 1, 1.5 ...; errors of survival at three times."""
    random = np.random.default_rng(9)
    n, times = 200, np.array([0.75, 1.0, 1.25])
    rows = []
    for _ in range(200):
        true = random.exponential(1, n)
        visits = np.arange(1, 9) * 0.5 + random.uniform(-0.2, 0.2, (n, 8))
        visits = np.column_stack([np.zeros(n), visits, np.full(n, INF)])
        place = (visits < true[:, None]).sum(axis=1)
        lower, upper = visits[np.arange(n), place - 1], visits[np.arange(n), place]
        seen = np.isfinite(upper)
        band = turnbull(lower, upper).at(times)
        late, middle = (
            kaplan_meier(tabulate(np.where(seen, time, lower), seen.astype(int))).at(times).estimate
            for time in (upper, (lower + np.where(seen, upper, lower)) / 2)
        )
        rows.append(np.array([band.lower, band.upper, late, middle]) - np.exp(-times))
    return np.array(rows)


def test_what_intervals_leave_open_holds_the_truth_on_average(biases):
    error = biases.std(axis=0) / math.sqrt(len(biases))
    assert error.max() < 0.004
    middle = biases[:, :2].mean(axis=1)
    assert np.abs(middle.mean(axis=0)).max() < 4 * error.max()


def test_the_day_of_detection_tells_survival_better_than_it_is(biases):
    late = biases[:, 2].mean(axis=0)
    # Detected a quarter later on average, at a rate of 1: about exp(-t) (exp(1/4) - 1), .13 to .08 at these times.
    assert (late > 0.06).all()
    assert (late < 0.15).all()


# -- from examinations ------------------------------------------------------------------------------------------------


def examinations(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["patient", "time", "positive"])


def test_an_interval_goes_from_the_last_negative_to_the_first_positive_after_a_negative():
    found = between_examinations(
        examinations(
            ("back", 90, True), ("back", 60, False), ("back", 0, True), ("back", 30, False), ("back", 120, False),
            ("never back", 0, False), ("never back", 45, False),
            ("never negative", 0, True), ("never negative", 20, True),
            ("negative at last", 0, True), ("negative at last", 28, False),
        )
    )  # fmt: skip
    assert found.to_dict("index") == {
        "back": {"lower": 60, "upper": 90},
        "negative at last": {"lower": 28, "upper": INF},
        "never back": {"lower": 45, "upper": INF},
    }
    assert found.attrs["left_out"] == ["never negative"]


def test_without_a_negative_nothing_is_left():
    found = between_examinations(examinations(("a", 1, True)))
    assert found.empty
    assert found.attrs["left_out"] == ["a"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (examinations(("a", 1, True)).drop(columns="time"), "no column time"),
        (examinations(("a", 1, True), ("a", 1, False)), "two examinations of a at 1"),
        (examinations(("a", -1, True)), "time"),
        (examinations((None, 1, True)), "examinations of nobody"),
        (examinations(("a", 1, "yes")), "expected true or false"),
        (examinations(("a", 1, True)).assign(positive=pd.array([None], "boolean")), "expected true or false"),
    ],
)
def test_examinations_that_are_none_are_refused(rows, message):
    with pytest.raises(CasebookError, match=message):
        between_examinations(rows)


@pytest.mark.parametrize("wrong", [None, [("a", 1, True)], {"patient": ["a"]}])
def test_what_is_no_table_of_examinations_is_refused(wrong):
    with pytest.raises(CasebookError, match=f"found examinations of type {type(wrong).__name__}"):
        between_examinations(wrong)


# -- refusing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([], [], "not empty"),
        ([1, 2], [3], "of one length"),
        ([[1]], [[2]], "a row each"),
        ([-1], [2], r"lower\[0\]: found -1"),
        ([math.nan], [2], r"lower\[0\]"),
        ([INF], [INF], r"lower\[0\]: found inf"),
        ([1, 5], [3, 2], r"upper\[1\]: found 2.0 with the lower end 5.0"),
        ([1], [math.nan], r"upper\[0\]"),
        ([1], ["2"], "upper: found values of type"),
    ],
)
def test_intervals_that_are_none_are_refused(lower, upper, message):
    with pytest.raises(CasebookError, match=message):
        turnbull(np.array(lower, float), np.array(upper))


def test_rows_of_different_lengths_are_no_ends():
    with pytest.raises(CasebookError, match="lower: found values of type"):
        turnbull([[1], [1, 2]], [3, 4])
    with pytest.raises(CasebookError, match="upper: found rows of different lengths"):
        turnbull([1, 2], [[1], [1, 2]])


def test_a_search_that_does_not_come_to_its_end_says_so(monkeypatch):
    monkeypatch.setattr(support, "STEPS", 2)
    with pytest.raises(CasebookError, match="found no maximum in 2 steps: the log-likelihood may still gain"):
        estimate("visits")


def test_milestones_limits_and_tests_refuse_what_they_cannot_use():
    rows = DATA["small"]
    with pytest.raises(CasebookError, match="times"):
        estimate("small").at([-1])
    for wrong in ({"samples": 1}, {"samples": 2.5}, {"confidence": 1}, {"confidence": "0.9"}, {"seed": -1}):
        with pytest.raises(
            CasebookError, match=f"^{next(iter(wrong))}: found|^found the {next(iter(wrong))}"
        ):
            bootstrap(rows.lower, rows.upper, [2], **wrong)
    for wrong in ({"permutations": 0}, {"permutations": True}, {"seed": 0.5}):
        with pytest.raises(CasebookError, match=f"^{next(iter(wrong))}: found"):
            score_test(rows.group, rows.lower, rows.upper, **wrong)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a"] * 8, "found 1 groups; expected two"),
        (list("aabbcccc"), "found 3 groups"),
        (["a"] * 3, "found 3 labels"),
        (["a", None] * 4, r"groups\[1\]: found no label"),
        (pd.Categorical(["a"] * 8, categories=["a", "empty"]), "found 1 groups"),
        (np.array([["a", "b"]] * 8), "groups: found no single row of labels"),
        ([["a"], ["b"]] * 4, "groups: found no single row of labels"),
        (None, "found 0 labels"),
    ],
)
def test_groups_that_are_not_two_are_refused(groups, message):
    with pytest.raises(CasebookError, match=message):
        score_test(groups, DATA["small"].lower, DATA["small"].upper)


def test_where_nothing_tells_patients_apart_there_is_no_test():
    with pytest.raises(CasebookError, match="no event that is known to be before or after another"):
        score_test([1, 1, 2, 2], [3, 8, 5, 2], [INF] * 4)
    with pytest.raises(CasebookError, match="no event that is known to be before or after another"):
        score_test([1, 2], [3, 3], [4, 4])
