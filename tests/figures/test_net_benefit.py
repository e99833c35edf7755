import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.net_benefit import net_benefit


@pytest.fixture
def curves():
    at = np.linspace(0.05, 0.8, 40)
    everybody = pd.DataFrame(
        {"strategy": "treat everybody", "threshold": at, "net_benefit": 0.4 - 0.6 * at / (1 - at)}
    )
    model = pd.DataFrame({"strategy": "by the prediction", "threshold": at, "net_benefit": 0.4 * (1 - at)})
    return pd.concat([model, everybody], ignore_index=True)


def test_curves_are_where_their_numbers_are(curves, artist):
    ax = net_benefit(curves)
    for name, rows in curves.groupby("strategy"):
        np.testing.assert_allclose(
            artist(ax, f"_curve {name}").get_xydata(), rows[["threshold", "net_benefit"]].to_numpy()
        )
    assert set(artist(ax, "_nobody").get_ydata()) == {0}


def test_the_axis_ends_a_little_below_nought_however_deep_a_curve_falls(curves):
    low, high = net_benefit(curves).get_ylim()
    assert curves["net_benefit"].min() < -1
    assert -0.1 < low < 0 < 0.38 < high < 0.5


def test_names_are_clear_of_each_other(curves, assert_labels_clear):
    third = curves.iloc[:40].assign(
        strategy="by the level of MRD alone", net_benefit=lambda f: f.net_benefit * 0.8
    )
    for frame in (curves, pd.concat([curves, third], ignore_index=True), curves.iloc[:40]):
        ax = net_benefit(frame, simulated=True)
        assert_labels_clear(ax.figure)
        words = {text.get_text().replace("\n", " ") for text in ax.texts}
        assert {*frame["strategy"], "treat nobody"} <= words


def test_a_strategy_that_is_nowhere_on_the_axes_is_named_at_their_lower_end(curves, assert_labels_clear):
    below = curves.iloc[:40].assign(strategy="by a coin", net_benefit=lambda f: -1 - f.threshold)
    ax = net_benefit(pd.concat([curves, below], ignore_index=True))
    assert_labels_clear(ax.figure)
    words = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert {"by the prediction", "treat everybody", "by a coin: all below", "treat nobody"} <= words
    assert "by a coin" not in words


def test_two_renders_are_the_same_bytes_without_the_accent(curves):
    one, two = (style.to_svg(net_benefit(curves, simulated=True).figure) for _ in range(2))
    assert one == two
    assert style.ACCENT.encode() not in one


def test_it_draws_on_given_axes(curves):
    given_axes = style.new_axes(2, left=0.8, right=0.3, bottom=0.6, top=0.2)
    assert net_benefit(curves, ax=given_axes) is given_axes


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.drop(columns="threshold"), "missing column 'threshold'"),
        (
            lambda f: f.assign(threshold=1.0),
            "row 0, column 'threshold': found 1, expected one from 0 to below 1",
        ),
        (
            lambda f: f.assign(threshold=0.2),
            "row 1, column 'threshold': found 0.2, which the strategy has twice",
        ),
        (
            lambda f: f.assign(strategy=[None, *f["strategy"][1:]]),
            "row 0, column 'strategy': found none, expected a name",
        ),
        (lambda f: f.iloc[:1], "the strategy 'by the prediction': found one row"),
        (lambda f: f.assign(net_benefit=-1.0), "found no net benefit above 0"),
        (lambda f: f.iloc[:0], "found no net benefit above 0"),
        (lambda f: f.assign(strategy=np.arange(len(f)) // 2), "found 40 of them, expected at most 3"),
        (lambda f: f.assign(net_benefit="x"), "row 0, column 'net_benefit': found x"),
    ],
)
def test_bad_input_is_refused(curves, change, expected):
    with pytest.raises(CasebookError) as error:
        net_benefit(change(curves))
    assert expected in str(error.value)
