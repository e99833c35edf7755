import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import children_needed, style

N = np.arange(1, 31)


@pytest.fixture
def limits():
    """Exact upper limits after none of n: 1 - alpha^(1/n), alpha 0.05 one-sided and 0.025 two-sided."""
    alphas = {"one-sided": 0.05, "two-sided": 0.025}
    frames = [
        pd.DataFrame({"n": N, "limit": 100 * (1 - alpha ** (1 / N)), "kind": kind})
        for kind, alpha in alphas.items()
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def rates():
    labels = ["serious, blinatumomab arm 24.1%", "serious, chemotherapy arm 43.1%"]
    return pd.DataFrame({"rate": [24.1, 43.1], "label": labels})


@pytest.fixture
def crossings():
    # The limit is below the rate once (1 - rate)^n is below alpha. By hand: 0.759^10 = 0.0634, 0.759^11 = 0.0482;
    # 0.759^13 = 0.0277, 0.759^14 = 0.0211; 0.569^5 = 0.0596, 0.569^6 = 0.0339, 0.569^7 = 0.0193.
    rows = [(24.1, "one-sided", 11), (24.1, "two-sided", 14), (43.1, "one-sided", 6), (43.1, "two-sided", 7)]
    return pd.DataFrame(rows, columns=["rate", "kind", "n"])


def test_limits_rates_and_crossings_are_at_their_numbers(limits, rates, crossings, artist):
    ax = children_needed(limits, rates, crossings=crossings)
    for kind, rows in limits.groupby("kind"):
        assert artist(ax, f"_limit {kind}").get_xydata().tolist() == rows[["n", "limit"]].values.tolist()
    for rate in rates["rate"]:
        assert set(artist(ax, f"_rate {rate:g}").get_ydata()) == {rate}
    for row in crossings.itertuples():
        ((n, limit),) = artist(ax, f"_crossing {row.rate:g}, {row.kind}").get_xydata()
        (there,) = limits.loc[(limits["kind"] == row.kind) & (limits["n"] == row.n), "limit"]
        assert (n, limit) == (row.n, there)
        assert limit < row.rate
    words = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert {"11", "14", "6", "7", "one-sided", "two-sided", *rates["label"]} <= words


def test_three_children_stand_out(limits, rates, artist):
    ax = children_needed(limits, rates)
    # 1 - 0.05^(1/3) = 0.6315968, 1 - 0.025^(1/3) = 0.7075982, by hand; binom.test(0, 3) in R 4.2.2 gives the same.
    for kind, limit in (("one-sided", 63.15968), ("two-sided", 70.75982)):
        dot = artist(ax, f"_these {kind}")
        assert dot.get_xydata()[0] == pytest.approx([3, limit], abs=1e-4)
        assert dot.get_color() == style.ACCENT
    assert {"these three", "63%", "71%"} <= {text.get_text() for text in ax.texts}


def test_lines_are_told_apart_without_colour(limits, rates, artist):
    ax = children_needed(limits, rates)
    assert artist(ax, "_limit one-sided").is_dashed()
    assert not artist(ax, "_limit two-sided").is_dashed()


@pytest.mark.parametrize("values", [[24.1, 43.1], [24.1, 43.1, 57.4, 82.4], [0, 100], [20, 30], [40]])
@pytest.mark.parametrize("last", [3, 12, 30])
def test_labels_are_clear_of_each_other(limits, values, last, assert_labels_clear):
    limits = limits[limits["n"] <= last]
    rates = pd.DataFrame(
        {"rate": values, "label": [f"grade 3 or more, an arm of a trial {x:g}%" for x in values]}
    )
    found = [
        (rate, kind, rows.loc[rows["limit"] < rate, "n"].min())
        for rate in values
        for kind, rows in limits.groupby("kind")
        if (rows["limit"] < rate).any()
    ]
    crossings = pd.DataFrame(found, columns=["rate", "kind", "n"])
    assert_labels_clear(children_needed(limits, rates, crossings=crossings).figure)


def test_two_renders_are_the_same_bytes(limits, rates, crossings):
    one, two = (style.to_svg(children_needed(limits, rates, crossings=crossings).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(limits, rates):
    given = style.new_axes(2, left=0.7, right=0.2, bottom=0.6, top=0.3)
    assert children_needed(limits, rates, ax=given) is given


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="kind"), "missing column 'kind'"),
        (lambda f: f.assign(kind="both"), "row 0, column 'kind': found 'both'"),
        (lambda f: f.assign(limit=101), "row 0, column 'limit': found 101"),
        (lambda f: f.assign(n=1.5), "row 0, column 'n': found 1.5, expected a whole number"),
        (lambda f: f.assign(n=0), "row 0, column 'n': found 0, expected a whole number"),
        (lambda f: f.assign(n=3), "row 1, column 'n': 3 stands twice"),
        (lambda f: f[f["n"] > 3], "found no row with 3"),
    ],
)
def test_bad_limits_are_refused(limits, rates, change, words):
    with pytest.raises(CasebookError) as error:
        children_needed(change(limits), rates)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(rate=50), "row 0, column 'rate': found 50"),
        (lambda f: f.assign(kind="both"), "row 0, column 'kind': found 'both'"),
        (lambda f: f.assign(n=f["n"] + 1), "row 0, column 'n': found 12, expected 11, the first"),
        (lambda f: f.assign(n=f["n"] - 1), "row 0, column 'n': found 10, expected 11, the first"),
    ],
)
def test_a_crossing_that_does_not_cross_is_refused(limits, rates, crossings, change, words):
    with pytest.raises(CasebookError) as error:
        children_needed(limits, rates, crossings=change(crossings))
    assert words in str(error.value)


def test_a_rate_that_no_limit_reaches_has_no_crossing(limits, rates):
    crossings = pd.DataFrame({"rate": [24.1], "kind": ["one-sided"], "n": [5]})
    with pytest.raises(CasebookError, match="no crossing"):
        children_needed(limits[limits["n"] <= 5], rates, crossings=crossings)
