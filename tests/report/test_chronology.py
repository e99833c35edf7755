"""The chronology, against a worked example, brute force and linear programming."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from casebook.bounds import INFINITY, Bounds
from casebook.errors import CasebookError, ChronologyError
from casebook.report.chronology import CALENDAR, Chronology, Statement, solve


def says(name: str, start: str, end: str, lower: float, upper: float) -> Statement:
    return Statement(name, start, end, Bounds(lower, upper))


# -- a worked example ---------------------------------------------------------------------------------------
# After the example of Dechter, Meiri and Pearl (1991), without its alternatives (each man by the means that is taken
# there to be consistent): John goes by car, 30 to 40 minutes; Fred by carpool, 40 to 50. John left between 7:10 and
# 7:20, Fred arrived between 8:00 and 8:10, and John arrived 10 to 20 minutes after Fred had left. Minutes after 7:00.

JOHN_AND_FRED = [
    says("john left", CALENDAR, "john leaves", 10, 20),
    says("john drove", "john leaves", "john arrives", 30, 40),
    says("fred rode", "fred leaves", "fred arrives", 40, 50),
    says("fred arrived", CALENDAR, "fred arrives", 60, 70),
    says("john after fred", "fred leaves", "john arrives", 10, 20),
]


def test_the_textbook_example_has_the_times_that_are_worked_out_by_hand():
    times = solve(JOHN_AND_FRED)
    # John arrives 10 + 30 = 40 to 20 + 40 = 60. Fred leaves 60 - 50 = 10 to 70 - 40 = 30, and 10 to 20 before John
    # arrives: 40 - 20 = 20 at the earliest, and 30 at the latest still. So John arrives by 30 + 20 = 50,
    # left by 50 - 30 = 20 (as said), and Fred arrives by 70 (as said) and not before 20 + 40 = 60 (as said).
    assert times.day("john leaves") == Bounds(10, 20)
    assert times.day("john arrives") == Bounds(40, 50)
    assert times.day("fred leaves") == Bounds(20, 30)
    assert times.day("fred arrives") == Bounds(60, 70)
    # Fred left 10 to 20 before John arrived, who drove 30 to 40: 10 to 30 after John left. But leaving at 20 to 30
    # after John's 10 to 20 allows only 0 to 20, so 10 to 20.
    assert times.between("john leaves", "fred leaves") == Bounds(10, 20)


def test_the_reasons_of_the_textbook_example_are_those_of_the_hand_working():
    assert solve(JOHN_AND_FRED).because(CALENDAR, "john arrives") == (
        ("john left", "john drove"),
        ("fred arrived", "fred rode", "john after fred"),
    )


def test_an_arrival_too_early_for_the_ride_contradicts_the_statements_on_its_way():
    # Fred cannot arrive before 20 + 40 = 60, which rests on John's way; said to arrive by 55, his own ride and
    # John's departure cannot all hold.
    statements = [s for s in JOHN_AND_FRED if s.id != "fred arrived"] + [
        says("fred early", CALENDAR, "fred arrives", 50, 55)
    ]
    with pytest.raises(ChronologyError) as caught:
        solve(statements)
    assert set(caught.value.statements) == {
        "fred early",
        "fred rode",
        "john after fred",
        "john drove",
        "john left",
    }


# -- small things that can go wrong -------------------------------------------------------------------------


def test_a_statement_of_zero_days_is_not_lost():
    # scipy takes a zero in a dense matrix for a missing arc.
    days = solve([says("same", "a", "b", 0, 0), says("date", CALENDAR, "a", 100, 100)])
    assert days.day("b") == Bounds.exactly(100)
    order_only = solve([says("order", "a", "b", 0, INFINITY), says("date", CALENDAR, "b", 100, 100)])
    assert order_only.day("a") == Bounds.at_most(100)


def test_a_chain_of_zero_days_ends_and_names_its_statements():
    # Cycles of length 0 must not trap the walk back along the shortest path.
    names = "abcdefgh"
    statements = [says(f"{x}{y}", x, y, 0, 0) for x, y in itertools.pairwise(names)]
    statements += [says("shortcut", "a", "h", 0, 5), says("date", CALENDAR, "d", 7, 7)]
    days = solve(statements)
    assert all(days.day(name) == Bounds.exactly(7) for name in names)
    for x, y in itertools.permutations(names, 2):
        lower, upper = days.because(x, y)
        assert (re_solved(days, lower, x, y)[0], re_solved(days, upper, x, y)[1]) == (0, 0)


def re_solved(days: Chronology, chain: tuple[str, ...], start: str, end: str) -> tuple[float, float]:
    bounds = solve([days.statements[name] for name in chain]).between(start, end)
    return bounds.lower, bounds.upper


def test_two_statements_about_the_same_events_meet():
    days = solve([says("one", "a", "b", 1, 5), says("two", "b", "a", -9, -3)])
    assert days.between("a", "b") == Bounds(3, 5)
    assert days.because("a", "b") == (("two",), ("one",))


def test_an_event_that_nothing_bounds_is_not_known():
    days = solve([says("none", "a", "b", -INFINITY, INFINITY)])
    assert days.events == ("a", "b")
    assert days.day("a").is_unknown
    assert days.between("a", "b").is_unknown
    assert days.because("a", "b") == ((), ())
    assert days.between("a", "a") == Bounds.exactly(0)


def test_days_are_dates_and_missing_where_unbounded():
    first = dt.date(2022, 2, 14).toordinal()
    frame = solve([says("date", CALENDAR, "a", first, first), says("then", "a", "b", 1, INFINITY)]).days()
    assert list(frame["event"]) == ["a", "b"]
    assert [day.isoformat()[:10] for day in frame["earliest"]] == ["2022-02-14", "2022-02-15"]
    assert frame["latest"].isna().tolist() == [False, True]


@pytest.mark.parametrize("ordinal", [0, -3, dt.date.max.toordinal() + 1])
def test_days_that_no_calendar_has_are_refused_as_dates_and_kept_as_numbers(ordinal):
    days = solve([says("date", CALENDAR, "a", ordinal, ordinal)])
    assert days.day("a") == Bounds.exactly(ordinal)
    with pytest.raises(CasebookError, match="years 1 to 9999"):
        days.days()


def test_an_unknown_event_is_refused_with_those_that_are_known():
    days = solve([says("one", "a", "b", 1, 5)])
    for question in (lambda: days.day("c"), lambda: days.because("a", "c"), lambda: days.order(["c", "a"])):
        with pytest.raises(CasebookError, match="unknown event 'c'; known: a, b"):
            question()


def test_two_statements_with_one_id_are_refused():
    with pytest.raises(CasebookError, match="two statements with the id 'one'"):
        solve([says("one", "a", "b", 1, 5), says("one", "b", "c", 1, 5)])


@pytest.mark.parametrize("days", [Bounds(0, 1.5), Bounds(0.5, 2), Bounds(0, 2, upper_closed=False)])
def test_days_that_are_not_whole_and_closed_are_refused_and_not_cut_off(days):
    with pytest.raises(CasebookError, match="expected whole days with closed limits"):
        solve([Statement("part", "a", "b", days)])


@pytest.mark.parametrize("days", [Bounds.exactly(2**53 + 1), Bounds(-(10**400), 0), Bounds.at_least(1e300)])
def test_more_days_than_can_be_counted_exactly_are_refused(days):
    with pytest.raises(CasebookError, match=r"far: .*no more than 2\*\*53 days"):
        solve([Statement("far", "a", "b", days)])


def test_so_are_days_that_add_up_to_more():
    statements = [says(f"s{i}", f"e{i}", f"e{i + 1}", 2**51, INFINITY) for i in range(5)]
    with pytest.raises(CasebookError, match=r"s4: .*no more than 2\*\*53 days"):
        solve(statements)
    assert solve(statements[:4]).between("e0", "e4") == Bounds.at_least(2**53)


def test_fractions_that_are_whole_are_days():
    days = solve([Statement("one", "a", "b", Bounds.exactly(Fraction(4, 2)))])
    assert days.between("a", "b") == Bounds.exactly(2)


def test_two_chronologies_are_compared_by_identity_and_can_be_keys():
    one, other = (solve([says("one", "a", "b", 1, 5)]) for _ in range(2))
    assert one != other
    assert len({one, other, one}) == 2


# -- contradictions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([says("self", "a", "a", 1, 2), says("fine", "a", "b", 0, 1)], {"self"}),
        ([says("self", "a", "a", -5, -1)], {"self"}),
        ([says("up", "a", "b", 1, 5), says("down", "b", "a", 1, 5), says("fine", "b", "c", 0, 1)], {"up", "down"}),
        ([says("near", "a", "b", 0, 3), says("far", "a", "b", 5, 9)], {"near", "far"}),
        (
            # A negative cycle of three, and one of five of which no arc is shared: the three are named.
            [
                says("x1", "p", "q", 1, 2), says("x2", "q", "r", 1, 2), says("x3", "r", "s", 1, 2),
                says("x4", "s", "t", 1, 2), says("x5", "p", "t", 0, 3),
                says("y1", "a", "b", 4, 9), says("y2", "b", "c", 4, 9), says("y3", "a", "c", 0, 7),
            ],
            {"y1", "y2", "y3"},
        ),
        (
            # A long contradiction beside a cycle that is none.
            [says(f"n{i}", f"e{i}", f"e{i + 1}", 1, 1) for i in range(9)]
            + [says("sum", "e0", "e9", 10, 10), says("z1", "e3", "f", 0, 5), says("z2", "f", "e5", 0, 5)],
            {"sum", *(f"n{i}" for i in range(9))},
        ),
        (
            # The same statement twice over: the tighter one is at fault, and named.
            [says("loose", "a", "b", 0, 9), says("tight", "a", "b", 0, 2), says("more", "b", "a", -9, -3)],
            {"tight", "more"},
        ),
    ],
)  # fmt: skip
def test_a_contradiction_names_a_smallest_set_of_statements(statements, expected):
    with pytest.raises(ChronologyError) as caught:
        solve(statements)
    assert set(caught.value.statements) == expected
    assert len(caught.value.statements) == len(expected)
    assert all(f"\n  {name}: " in str(caught.value) for name in expected)


def test_a_contradiction_shows_what_was_printed():
    with pytest.raises(ChronologyError, match="one week later"):
        solve([Statement("w", "a", "b", Bounds(4, 10), "one week later"), says("x", "a", "b", 20, 30)])


def test_a_contradiction_is_said_in_dates_and_in_words():
    first, last = dt.date(2022, 2, 28).toordinal(), dt.date(2022, 3, 1).toordinal()
    statements = [
        Statement("hsct", CALENDAR, "hsct", Bounds.exactly(first), "2022.02.28"),
        says("end", CALENDAR, "end", first, last),
        says("still", CALENDAR, "end", last, INFINITY),
        Statement("then", "end", "hsct", Bounds.at_least(1), "underwent"),
    ]
    with pytest.raises(ChronologyError) as caught:
        solve([statements[0], statements[1], statements[3]])
    assert str(caught.value).splitlines() == [
        "these statements cannot all hold:",
        "  hsct on 2022-02-28 (2022.02.28)",
        "  then: end to hsct: at least 1 day (underwent)",
        "  end 2022-02-28 to 2022-03-01",
    ]
    with pytest.raises(ChronologyError, match="still: end on or after 2022-03-01"):
        solve([statements[0], statements[2], statements[3]])


@pytest.mark.parametrize("count", [2, 3, 200])
@pytest.mark.parametrize("shortcut", [False, True])
def test_a_contradiction_of_many_statements_is_found_in_reasonable_time(count, shortcut):
    # Each event a day after the one before, and the last as many days after the first as there are events.
    statements = [says(f"s{i}", f"e{i}", f"e{i + 1}", 1, 1) for i in range(count - 1)]
    statements.append(says("sum", "e0", f"e{count - 1}", count, count))
    expected = {s.id for s in statements}
    if shortcut and count > 3:  # says what five of them say
        statements.append(says("short", "e1", "e6", 5, 5))
        expected = expected - {f"s{i}" for i in range(1, 6)} | {"short"}
    began = time.perf_counter()
    with pytest.raises(ChronologyError) as caught:
        solve(statements)
    assert time.perf_counter() - began < 20
    assert set(caught.value.statements) == expected
    assert len(caught.value.statements) == len(expected)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(itertools.permutations(range(5), 2))), st.integers(-3, 3), st.integers(0, 3)
        ),
        min_size=2,
        max_size=9,
    )
)
def test_no_contradiction_of_fewer_statements_is_left_unnamed(drawn):
    statements = [
        says(f"s{n}", f"e{i}", f"e{j}", low, low + width) for n, ((i, j), low, width) in enumerate(drawn)
    ]
    try:
        solve(statements)
    except ChronologyError as error:
        named = error.statements
    else:
        return
    for count in range(1, len(named)):
        for fewer in itertools.combinations(statements, count):
            solve(fewer)


# -- random networks ----------------------------------------------------------------------------------------

slacks = st.one_of(st.integers(0, 6), st.just(INFINITY))


@st.composite
def networks(draw, max_events: int = 6, max_statements: int = 10):
    """Statements that hold for known days, and those days."""
    count = draw(st.integers(2, max_events))
    names = [f"e{i}" for i in range(count)]
    known = dict(zip(names, draw(st.lists(st.integers(-8, 8), min_size=count, max_size=count)), strict=True))
    known[CALENDAR] = 0
    statements = []
    for number in range(draw(st.integers(1, max_statements))):
        start, end = draw(st.lists(st.sampled_from([CALENDAR, *names]), min_size=2, max_size=2, unique=True))
        passed = known[end] - known[start]
        statements.append(says(f"s{number}", start, end, passed - draw(slacks), passed + draw(slacks)))
    return statements, known


def oracle(statements: list[Statement], start: str, end: str) -> tuple[float, float]:
    """Fewest and most days from start to end, by linear programming."""
    names = sorted({name for s in statements for name in (s.from_event, s.to_event)} | {start, end})
    rows, limits = [], []
    for s in statements:
        row = np.zeros(len(names))
        row[names.index(s.to_event)] += 1
        row[names.index(s.from_event)] -= 1
        for sign, limit in ((1, s.days.upper), (-1, -s.days.lower)):
            if math.isfinite(limit):
                rows.append(sign * row)
                limits.append(limit)
    goal = np.zeros(len(names))
    goal[names.index(end)] += 1
    goal[names.index(start)] -= 1
    found = []
    for sign in (1, -1):
        result = linprog(
            sign * goal,
            A_ub=np.array(rows) if rows else None,
            b_ub=limits or None,
            bounds=(None, None),
            method="highs",
        )
        if result.status == 2:
            raise ValueError("infeasible")
        # Status 4 of HiGHS is "infeasible or unbounded"; these networks are feasible.
        found.append(sign * result.fun if result.status == 0 else -sign * INFINITY)
    return tuple(found)


@given(networks())
def test_a_network_built_from_known_days_contains_them(network):
    statements, known = network
    days = solve(statements)
    for start, end in itertools.permutations((CALENDAR, *days.events), 2):
        assert known[end] - known[start] in days.between(start, end)


@settings(max_examples=25)
@given(networks(max_events=4, max_statements=7))
def test_bounds_are_those_of_linear_programming(network):
    statements, _ = network
    days = solve(statements)
    for start, end in itertools.combinations((CALENDAR, *days.events), 2):
        bounds = days.between(start, end)
        assert (bounds.lower, bounds.upper) == pytest.approx(oracle(statements, start, end))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(itertools.permutations(range(4), 2))), st.integers(-3, 3), st.integers(0, 2)
        ),
        max_size=4,
    )
)
def test_bounds_and_contradictions_are_those_of_trying_every_day(extra):
    # Four events within 0 to 4 days of the calendar's day 0: every assignment of days can be tried.
    statements = [says(f"b{i}", CALENDAR, f"e{i}", 0, 4) for i in range(4)]
    statements += [
        says(f"s{n}", f"e{i}", f"e{j}", lower, lower + width)
        for n, ((i, j), lower, width) in enumerate(extra)
    ]
    possible = [
        days
        for days in itertools.product(range(5), repeat=4)
        if all(lower <= days[j] - days[i] <= lower + width for (i, j), lower, width in extra)
    ]
    if not possible:
        with pytest.raises(ChronologyError):
            solve(statements)
        return
    solved = solve(statements)
    for i, j in itertools.permutations(range(4), 2):
        passed = [days[j] - days[i] for days in possible]
        assert solved.between(f"e{i}", f"e{j}") == Bounds(min(passed), max(passed))
    for i in range(4):
        assert solved.day(f"e{i}") == Bounds(min(d[i] for d in possible), max(d[i] for d in possible))


@given(networks(), st.data())
def test_one_impossible_statement_is_named_with_statements_that_it_alone_contradicts(network, data):
    statements, _ = network
    days = solve(statements)
    bounded = [
        (start, end, days.between(start, end).upper)
        for start, end in itertools.permutations((CALENDAR, *days.events), 2)
        if math.isfinite(days.between(start, end).upper)
    ]
    if not bounded:
        return
    start, end, most = data.draw(st.sampled_from(bounded))
    impossible = says("impossible", start, end, most + 1, INFINITY)
    with pytest.raises(ChronologyError) as caught:
        solve([*statements, impossible])
    named = caught.value.statements
    assert "impossible" in named
    chosen = [s for s in [*statements, impossible] if s.id in named]
    with pytest.raises(ChronologyError) as again:
        solve(chosen)
    assert set(again.value.statements) == set(named)
    for left_out in named:  # and no one of them can be spared
        solve([s for s in chosen if s.id != left_out])


@given(networks())
def test_the_statements_given_as_reasons_give_the_bound_by_themselves(network):
    days = solve(network[0])
    for start, end in itertools.permutations((CALENDAR, *days.events), 2):
        bounds = days.between(start, end)
        lower, upper = days.because(start, end)
        assert bool(lower) == math.isfinite(bounds.lower)
        assert bool(upper) == math.isfinite(bounds.upper)
        if lower:
            assert re_solved(days, lower, start, end)[0] == bounds.lower
        if upper:
            assert re_solved(days, upper, start, end)[1] == bounds.upper


@given(networks(), st.randoms(use_true_random=False))
def test_no_event_stands_before_one_that_it_cannot_precede(network, random):
    days = solve(network[0])
    given_order = list(days.events)
    random.shuffle(given_order)
    ordered = days.order(given_order)
    assert sorted(ordered) == sorted(given_order)
    for before, after in itertools.combinations(ordered, 2):
        # What stands first may be first, unless both are certainly on one day.
        assert days.between(before, after).upper >= 0
    must_turn = [
        (x, y)
        for x, y in itertools.combinations(given_order, 2)
        if days.between(x, y).upper <= 0 and days.between(x, y).lower < 0
    ]
    assert (ordered == given_order) == (not must_turn)


def test_events_that_nothing_orders_stay_as_they_were_given():
    days = solve([says("order", "a", "b", 1, INFINITY), says("none", "a", "x", -INFINITY, INFINITY)])
    for given_order in (["a", "b", "x"], ["a", "x", "b"], ["x", "a", "b"]):
        assert days.order(given_order) == given_order
    assert days.order(["b", "x", "a"]) == ["x", "a", "b"]


def test_events_that_may_fall_on_one_day_stand_in_their_order():
    days = solve([says("then", "a", "b", 0, INFINITY)])
    assert days.order(["b", "a"]) == ["a", "b"]


def test_events_on_one_day_stay_as_they_were_given():
    days = solve([says("same", "a", "b", 0, 0), says("then", "b", "c", 0, INFINITY)])
    assert days.order(["c", "b", "a"]) == ["b", "a", "c"]


@given(networks())
def test_events_share_a_clock_just_where_the_days_between_them_are_bounded(network):
    days = solve(network[0])
    clocks = days.clocks()
    assert set(clocks) == {CALENDAR, *days.events}
    assert clocks[CALENDAR] == 0
    for x, y in itertools.combinations((CALENDAR, *days.events), 2):
        assert (clocks[x] == clocks[y]) == days.between(x, y).is_bounded
    assert sorted(set(clocks.values())) == list(range(len(set(clocks.values()))))
