from html.parser import HTMLParser

import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import flow


@pytest.fixture
def steps():
    rows = [
        ("Case 1", 2, "DEAL", "dexamethasone, cytarabine, etoposide, L-asparaginase", "", "chemotherapy", ""),
        ("Case 1", 1, "CCCG-ALL-2015", "", "MRD < 0.01% on days 19 & 46", "chemotherapy", ""),
        ("Case 3", 1, "PVDL", "", "MRD 9.88%", "chemotherapy", "day 19"),
        ("Case 1", 10, "HSCT", "", "", "transplant", "2022-03-22"),
        ("Case 1", 9, "<script>alert(1)</script>", "", "", "infusion", None),
    ]
    return pd.DataFrame(rows, columns=["case", "order", "title", "detail", "reading", "kind", "when"])


class Reader(HTMLParser):
    """The tags and the words of a page, without its style."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"] and data.strip():
            self.words.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    assert not reader.open
    return reader


def test_steps_are_read_in_order_case_by_case(steps):
    words = read(flow(steps, caption="The flow of treatment.")).words
    titles = [
        word
        for word in words
        if word in {"Case 1", "Case 3", "CCCG-ALL-2015", "DEAL", "HSCT", "PVDL", "<script>alert(1)</script>"}
    ]
    assert titles == [
        "Case 1",
        "CCCG-ALL-2015",
        "DEAL",
        "<script>alert(1)</script>",
        "HSCT",
        "Case 3",
        "PVDL",
    ]


def test_text_is_escaped_and_nothing_is_lost(steps):
    html = flow(steps, caption="The flow of treatment.")
    assert "<script" not in html
    words = {word.replace("\N{NO-BREAK SPACE}", " ") for word in read(html).words}
    assert {
        word for column in ("title", "detail", "reading", "when") for word in steps[column] if word
    } <= words
    assert "None" not in words


def test_it_is_ordered_lists_with_labels_and_one_style(steps):
    tags = read(flow(steps, caption="The flow of treatment.")).tags
    assert [attrs["aria-label"] for tag, attrs in tags if tag == "ol"] == [
        "Case 1, in order",
        "Case 3, in order",
    ]
    assert sum(tag == "li" for tag, _ in tags) == len(steps)
    assert sum(tag == "style" for tag, _ in tags) == 1
    assert not any("id" in attrs for _, attrs in tags)


def test_it_is_the_same_text_each_time(steps):
    assert flow(steps, caption="The flow of treatment.") == flow(
        steps.copy(), caption="The flow of treatment."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="title"), "missing column 'title'"),
        (lambda f: f.assign(kind="hope"), "row 0, column 'kind': found 'hope'"),
        (lambda f: f.assign(order="first"), "row 0, column 'order': found 'first'"),
        (lambda f: f.assign(order=1), "row 1, column 'order': 1 stands twice"),
    ],
)
def test_a_bad_frame_is_refused_by_row_and_column(steps, change, words):
    with pytest.raises(CasebookError) as error:
        flow(change(steps), caption="The flow of treatment.")
    assert words in str(error.value)
