"""The three children of the report as the frames that the figures take: the days its text gives, bounds for the rest."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

INF = np.inf
FUSION = "KMT2A-AFF1"

SPANS = [
    "lane",
    "kind",
    "start_lower",
    "start_upper",
    "end_lower",
    "end_upper",
    "length_lower",
    "length_upper",
    "label",
    "ongoing",
]
POINTS = ["lane", "kind", "lower", "upper", "label"]
PANELS = ["panel", "label", "lower", "upper", "width_share", "ordered_only"]
READINGS = ["panel", "analyte", "x_lower", "x_upper", "y_lower", "y_upper", "label", "span"]
BLOCKS = ["panel", "start_lower", "start_upper", "end_lower", "end_upper", "label", "kind"]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def lanes():
    return pd.DataFrame(
        {
            "lane": ["case-1", "case-2", "case-3"],
            "label": ["Case 1", "Case 2", "Case 3"],
            "sublabel": ["boy, 5 y 7 mo", "girl, 13 mo", "girl, 5 y 1 mo"],
        }
    )


@pytest.fixture(params=["transplant", "infusion"])
def origin(request):
    return request.param


@pytest.fixture
def spans(origin):
    if origin == "transplant":
        rows = [
            ("case-1", "infusion", -36, -36, -22, -21, 14, 15, "14–15 days", False),
            ("case-1", "gap", -22, -21, 0, 0, 21, 22, "", False),
            ("case-1", "follow_up", 0, 0, 54, 54, 54, 54, "54 days", True),
            ("case-2", "infusion", -INF, -27, -INF, 0, 27, 28, "27–28 days", False),
            ("case-2", "follow_up", 0, 0, 55, 55, 55, 55, "55 days", True),
            ("case-3", "infusion", -34, -34, -19, -19, 15, 15, "15 days", False),
            ("case-3", "gap", -19, -19, 0, 0, 19, 19, "", False),
            ("case-3", "follow_up", 0, 0, 124, 124, 124, 124, "124 days", True),
        ]
    else:
        rows = [
            ("case-1", "infusion", 0, 0, 14, 15, 14, 15, "14–15 days", False),
            ("case-1", "gap", 14, 15, 36, 36, 21, 22, "", False),
            ("case-1", "follow_up", 36, 36, 90, 90, 54, 54, "54 days", True),
            ("case-2", "infusion", 0, 0, 27, 28, 27, 28, "27–28 days", False),
            ("case-2", "follow_up", 27, INF, 82, INF, 55, 55, "55 days", True),
            ("case-3", "infusion", 0, 0, 15, 15, 15, 15, "15 days", False),
            ("case-3", "gap", 15, 15, 34, 34, 19, 19, "", False),
            ("case-3", "follow_up", 34, 34, 158, 158, 124, 124, "124 days", True),
        ]
    return pd.DataFrame(rows, columns=SPANS)


@pytest.fixture
def points(origin):
    if origin == "transplant":
        rows = [("case-1", "hsct", 0, 0, ""), ("case-1", "mrd_negative", -22, 0, "")]
        rows += [("case-2", "hsct", 0, 0, ""), ("case-2", "mrd_negative", -INF, 0, "")]
        rows += [("case-3", "hsct", 0, 0, ""), ("case-3", "mrd_negative", -19, 0, "")]
    else:
        rows = [("case-1", "hsct", 36, 36, ""), ("case-1", "mrd_negative", 14, 36, "")]
        rows += [("case-2", "hsct", 27, INF, ""), ("case-2", "mrd_negative", 27, 28, "")]
        rows += [("case-3", "hsct", 34, 34, ""), ("case-3", "mrd_negative", 15, 34, "")]
    return pd.DataFrame(rows, columns=POINTS)


CASE_1 = (
    [
        ("A", "days of protocol", 8, 57, 1.15, False),
        ("B", "months after diagnosis", 27, 33, 0.8, False),
        ("C", "order only", 0, 4, 0.9, True),
        ("D", "days from start of infusion", 0, 95, 1.35, False),
    ],
    [
        ("A", "MRD", 19, 19, 0, 0.01, "< 0.01%", False),
        ("A", "MRD", 46, 46, 0, 0.01, "< 0.01%", False),
        ("B", "MRD", 29.4, 31.0, 1.45, 1.55, "1.5%", False),
        ("C", "MRD", 3.3, 3.3, 0.025, 0.035, "0.03%", False),
        ("D", "MRD", 14, 36, 0, 0.01, "negative", False),
        ("D", "MRD", 36, 90, 0, 0.01, "negative", True),
    ],
    [
        ("C", 0.3, 0.3, 1.3, 1.3, "DEAL", "treatment"),
        ("C", 1.7, 1.7, 2.7, 2.7, "CAT", "treatment"),
        ("D", 0, 0, 14, 15, "blinatumomab", "infusion"),
        ("D", 36, 36, 36, 36, "HSCT", "hsct"),
    ],
)
CASE_2 = (
    [
        ("A", "days of protocol", 4, 57, 1.15, False),
        ("B", "days of maintenance", 321, 334, 1.55, False),
        ("C", "days from start of infusion", 0, 34, 1.1, False),
        ("D", "days from transplant", 0, 60, 0.9, False),
    ],
    [
        ("A", "MRD", 19, 19, 0.445, 0.455, "0.45%", False),
        ("A", "MRD", 46, 46, 0, 0.01, "< 0.01%", False),
        ("B", "MRD", 323, 323, 0.35, 0.45, "0.4%", False),
        ("B", FUSION, 323, 323, 1.525, 1.535, "1.53%", False),
        ("B", "MRD", 326, 332, 0.715, 0.725, "0.72%", False),
        ("B", FUSION, 326, 332, 2.305, 2.315, "2.31%", False),
        ("C", "MRD", 27, 28, 0, 0.01, "undetectable", False),
        ("C", FUSION, 27, 28, 0, 0.01, "", False),
        ("D", "MRD", 0, 55, 0, 0.01, "negative", True),
        ("D", FUSION, 0, 55, 0, 0.01, "", True),
    ],
    [("C", 0, 0, 27, 28, "blinatumomab", "infusion"), ("D", 0, 0, 0, 0, "HSCT", "hsct")],
)
CASE_3 = (
    [
        ("A", "days of protocol", 8, 57, 1.0, False),
        ("B", "order only", 0, 5, 1.2, True),
        ("C", "days from start of infusion", 0, 165, 1.6, False),
    ],
    [
        ("A", "MRD", 19, 19, 9.875, 9.885, "9.88%", False),
        ("A", "MRD", 46, 46, 1.225, 1.235, "1.23%", False),
        ("B", "MRD", 1.9, 1.9, 0.385, 0.395, "0.39%", False),
        ("B", "MRD", 4.2, 4.2, 0.115, 0.125, "0.12%", False),
        ("C", "MRD", 15, 34, 0, 0.01, "< 0.01%", False),
        ("C", "MRD", 34, 158, 0, 0.01, "negative", True),
    ],
    [
        ("A", -INF, 19, 19, 46, "PVDL, CAT", "treatment"),
        ("B", 0.4, 0.4, 1.4, 1.4, "CAT+", "treatment"),
        ("B", 2.4, 2.4, 3.7, 3.7, "2 × HDMTX", "treatment"),
        ("C", 0, 0, 15, 15, "blinatumomab", "infusion"),
        ("C", 34, 34, 34, 34, "HSCT", "hsct"),
    ],
)


@pytest.fixture(params=[CASE_1, CASE_2, CASE_3], ids=["case-1", "case-2", "case-3"])
def course(request):
    """Panels, readings and blocks of one child."""
    return tuple(
        pd.DataFrame(rows, columns=names)
        for rows, names in zip(request.param, (PANELS, READINGS, BLOCKS), strict=True)
    )


@pytest.fixture
def chronology():
    day, none = pd.Timestamp, pd.NaT
    rows = [
        ("Relapse, MRD 1.5%, bone marrow examined", none, day("2022-02-14"), "derived", ""),
        ("Blinatumomab starts", day("2022-02-14"), day("2022-02-14"), "printed", ""),
        ("Blinatumomab ends", day("2022-02-28"), day("2022-03-01"), "printed", "printed as 2022.02.29"),
        ("HSCT", day("2022-03-22"), day("2022-03-22"), "printed", ""),
        ("Last follow-up", day("2022-05-15"), none, "derived", ""),
        ("Donor found", none, none, "derived", ""),
    ]
    return pd.DataFrame(rows, columns=["event", "earliest", "latest", "kind", "note"])


@pytest.fixture
def falls():
    rows = [
        ("Case 1", 0.025, 0.035, 0, 0.01, "at least 0.40 log10", "0.03%", "negative", ""),
        (
            "Case 2",
            0.715,
            0.725,
            0,
            0.01,
            "at least 1.85 log10",
            "0.72%",
            "undetectable",
            "28 days of blinatumomab",
        ),
        ("Case 3", 0.115, 0.125, 0, 0.01, "at least 1.06 log10", "0.12%", "< 0.01%", ""),
    ]
    names = [
        "label",
        "before_lower",
        "before_upper",
        "after_lower",
        "after_upper",
        "text",
        "before_text",
        "after_text",
        "note",
    ]
    return pd.DataFrame(rows, columns=names)


def artist(axes, label):
    """The one artist with this label."""
    (found,) = [child for child in axes.get_children() if child.get_label() == label]
    return found


def labels_with(axes, ending):
    return {child.get_label() for child in axes.get_children() if str(child.get_label()).endswith(ending)}


@pytest.fixture(name="artist")
def artist_fixture():
    return artist


@pytest.fixture(name="labels_with")
def labels_with_fixture():
    return labels_with
