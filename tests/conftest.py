"""What all tests share: how the property tests are run, and a look at the words in a figure."""

import itertools

import pytest
from hypothesis import HealthCheck, settings
from matplotlib.text import Text

# No deadline for a single example, and no complaint that examples are slow to make: on a busy machine either would
# fail a test that is right. The examples are the same on every run, so that a failure can be seen again.
settings.register_profile(
    "casebook", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("casebook")


def texts(figure):
    """Every text that is seen: of tick labels, only those of ticks on the axis."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            shown = {id(label) for tick in axis._update_ticks() for label in (tick.label1, tick.label2)}
            every = {
                id(label)
                for tick in (*axis.majorTicks, *axis.minorTicks)
                for label in (tick.label1, tick.label2)
            }
            hidden |= every - shown
    return [
        t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and id(t) not in hidden
    ]


def assert_labels_clear(figure):
    """No two texts overlap, and none leaves the figure."""
    figure.canvas.draw()
    boxes = [(t.get_text(), Text.get_window_extent(t)) for t in texts(figure)]
    page = figure.bbox
    for words, box in boxes:
        inside = (
            box.x0 >= page.x0 - 1
            and box.x1 <= page.x1 + 1
            and box.y0 >= page.y0 - 1
            and box.y1 <= page.y1 + 1
        )
        assert inside, f"{words!r} leaves the figure: {box} in {page}"
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert wide <= 1 or high <= 3.5, f"{one!r} and {two!r} overlap by {wide:.1f} by {high:.1f} px"


@pytest.fixture(name="assert_labels_clear")
def assert_labels_clear_fixture():
    return assert_labels_clear
