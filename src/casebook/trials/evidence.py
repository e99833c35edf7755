"""The evidence: every published number that was read, checked, with the counts behind it and how well each is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from casebook.errors import CasebookError, DataError, Problem
from casebook.paths import DATA
from casebook.tables import check, shown, unknown_references
from casebook.trials import counts, schema

ARM_SIZE = "randomised"
"""The endpoint of the row that says how many patients an arm has."""


@dataclass(frozen=True, eq=False)  # == of tables is a table
class Evidence:
    """The tables of ``data/trials/``, one frame each.

    ``studies`` is indexed by ``study``, the others by ``id``. ``rates`` carries four columns more than its file: ``count``
    and ``of`` (patients, as floats; missing where neither read nor inferred), ``inferred`` (the count, or with it the
    denominator, was not read but follows from what is printed: :func:`add_counts`), and ``known`` (how well: ``read``,
    ``abstract`` or ``secondary``).
    """

    studies: pd.DataFrame
    rates: pd.DataFrame
    pools: pd.DataFrame
    disagreements: pd.DataFrame
    patients: pd.DataFrame

    def rate(self, row: str) -> pd.Series:
        """One row of ``rates`` by its id. Raises CasebookError if there is none."""
        if row not in self.rates.index:
            raise CasebookError(f"rates.csv has no row {row!r}")
        return self.rates.loc[row]

    def count(self, row: str) -> tuple[int, int]:
        """Events and patients behind one rate, read or inferred.

        Raises CasebookError if they are not known, or if it is no proportion of patients.
        """
        found = self.rate(row)
        if found["measure"] != "proportion":
            raise CasebookError(f"{row}: found the measure {found['measure']!r}, expected a proportion")
        if pd.isna(found["count"]):
            raise CasebookError(
                f"{row}: the count behind it was neither read nor does it follow from what is printed"
            )
        return int(found["count"]), int(found["of"])

    def outcome(self, name: str) -> pd.DataFrame:
        """The proportions of patients with one outcome (a key of ``schema.OUTCOMES``), without studies of adults."""
        adults = self.studies.index[self.studies["ages"] == "adults"]
        rows = self.rates[(self.rates["outcome"] == name) & self.rates["measure"].eq("proportion")]
        return rows[~rows["study"].isin(adults)]

    def pool(self, name: str) -> pd.DataFrame:
        """The rates of one pool, in file order: ``count`` and ``of`` whole, with the study's ``label`` and ``pool_note``."""
        rows = self.pools[self.pools["pool"] == name]
        if rows.empty:
            raise CasebookError(f"no pool {name!r}; there are {', '.join(self.pools['pool'].unique())}")
        rates = self.rates.loc[rows["rate"]]
        labels = self.studies["label"].reindex(rates["study"]).to_numpy()
        rates = rates.astype({"count": "int64", "of": "int64"})
        return rates.assign(label=labels, pool_note=rows["note"].to_numpy())


def load(directory: Path = DATA / "trials") -> Evidence:
    """Read and check the tables of published rates.

    Parameters
    ----------
    directory
        Holds the CSV files described in its README.md.

    Raises
    ------
    DataError
        Every problem of every table, with file, row, column, found and expected. A printed percentage that its count
        contradicts is no problem of the table, as that is what was printed: :func:`contradictions` flags it.
    """
    frames, problems = {}, []
    for name, rules in schema.TABLES.items():
        frame, found = check(directory / f"{name}.csv", rules)
        problems += found
        if frame is not None:
            frames[name] = frame
    files = {name: shown(directory / f"{name}.csv") for name in schema.TABLES}
    problems += _loose_ends(frames, files)
    if "rates" in frames:
        problems += _arm_size_faults(frames["rates"], files["rates"])
    if problems:
        raise DataError(problems)
    rates = add_counts(frames["rates"].set_index("id"))
    problems = _pool_faults(frames, rates, files["pools"])
    if problems:
        raise DataError(problems)
    frames["rates"] = rates
    keys = {name: "study" if name == "studies" else "id" for name in frames if name != "rates"}
    return Evidence(rates=rates, **{name: frames[name].set_index(key) for name, key in keys.items()})


def add_counts(rates: pd.DataFrame) -> pd.DataFrame:
    """The rates with ``count``, ``of``, ``inferred`` and ``known``.

    A count that was not read is inferred in two cases, and in no other: the denominator is printed and one count alone
    rounds to the percentage; or an arm prints several percentages without any denominator, and up to the arm's size one
    denominator alone can stand behind all of them (:func:`casebook.trials.counts.common`).
    """
    rates = rates.assign(
        count=rates["events"],
        of=rates["denominator"],
        inferred=False,
        known=rates["read_level"].map(schema.READ_LEVELS),
    )
    proportions = rates["measure"].eq("proportion") & rates["events"].isna() & rates["printed"].notna()
    for row in rates[proportions & rates["denominator"].notna()].itertuples():
        fitting = counts.behind(row.printed, int(row.denominator))
        if len(fitting) == 1:
            rates.loc[row.Index, ["count", "inferred"]] = fitting[0], True
    sizes = rates[rates["endpoint"] == ARM_SIZE].set_index(["study", "arm"])["events"]
    for arm, rows in rates[proportions & rates["denominator"].isna()].groupby(["study", "arm"], sort=False):
        if arm not in sizes.index:
            continue
        fits = counts.common(list(rows["printed"]), range(1, int(sizes[arm]) + 1))
        if len(fits) != 1:
            continue
        fit = fits.iloc[0]
        for position, row in enumerate(rows.index):
            if len(fit[position]) == 1:
                rates.loc[row, ["count", "of", "inferred"]] = fit[position][0], fit["n"], True
    # A denominator without a count, or a count of nobody knows how many, is no rate.
    both = rates["count"].notna() & rates["of"].notna()
    return rates.assign(count=rates["count"].where(both), of=rates["of"].where(both))


def contradictions(rates: pd.DataFrame) -> pd.DataFrame:
    """Printed numbers that their own row contradicts: flagged, not corrected.

    Parameters
    ----------
    rates
        As :class:`Evidence` holds them.

    Returns
    -------
    Indexed by the id of the rate: ``printed``, ``count`` (as ``77 of 102``, or ``of 26`` where no count was read),
    ``computed`` (percent, two decimals; empty without a count) and ``why``: how it came about, if that can be told
    (:func:`casebook.trials.counts.contradiction`), or that an estimate lies outside its own interval.
    """
    rows = {}
    for row in rates.dropna(subset="printed").itertuples():
        why, n, count = [], row.denominator, None if pd.isna(row.events) else int(row.events)
        if row.ci_lower > float(row.printed) or row.ci_upper < float(row.printed):
            why.append(f"outside its own interval, {row.ci_lower:g} to {row.ci_upper:g}")
        if row.measure in schema.COUNTED and pd.notna(n):
            why.append(counts.contradiction(row.printed, int(n), count))
        if any(why):
            known = pd.notna(n) and count is not None
            behind = "" if pd.isna(n) else f"{count} of {n:.0f}" if known else f"of {n:.0f}"
            computed = f"{100 * count / n:.2f}" if known else ""
            rows[row.Index] = (row.printed, behind, computed, "; ".join(filter(None, why)))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["printed", "count", "computed", "why"])


def _loose_ends(frames: dict[str, pd.DataFrame], files: dict[str, str]) -> list[Problem]:
    """References to a study or a rate that no table has."""
    problems = []
    for table, column, known, several in (
        ("rates", "study", "studies", False),
        ("patients", "study", "studies", False),
        ("pools", "rate", "rates", False),
        ("disagreements", "rates", "rates", True),
    ):
        if table in frames and known in frames:
            ids = set(frames[known]["study" if known == "studies" else "id"].dropna())
            what = f"{'ids' if several else 'an id'} of {known}.csv"
            problems += unknown_references(frames[table], column, ids, files[table], what, several=several)
    return problems


def _arm_size_faults(rates: pd.DataFrame, file: str) -> list[Problem]:
    """Rows with the size of an arm that give none, or a second one."""
    sizes = rates[rates["endpoint"] == ARM_SIZE]
    blank = [
        Problem(file, line, "events", "nothing", "the size of the arm")
        for line in sizes.index[sizes["events"].isna()]
    ]
    again = sizes[sizes.duplicated(["study", "arm"])]
    return blank + [
        Problem(file, line, "arm", repr(arm), "one row with the size of an arm")
        for line, arm in again["arm"].items()
    ]


def _pool_faults(frames: dict[str, pd.DataFrame], rates: pd.DataFrame, file: str) -> list[Problem]:
    """Rates that cannot be pooled: without a count, or of patients who are in the pool already."""
    patients = frames["studies"].set_index("study")["patients"]
    problems, seen = [], {}
    for line, row in frames["pools"].iterrows():
        rate = rates.loc[row["rate"]]
        if pd.isna(rate["count"]) or rate["measure"] != "proportion":
            problems.append(Problem(file, line, "rate", repr(row["rate"]), "a proportion with a count"))
        who = patients[rate["study"]]
        first = seen.setdefault((row["pool"], who), row["rate"])
        if first != row["rate"]:
            expected = f"patients who are not in this pool already, as those of {first} are"
            problems.append(Problem(file, line, "rate", repr(row["rate"]), expected))
    return problems
