"""Cox's model of disease-free survival after transplant, against R: 137 transplants of Klein and Moeschberger."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from casebook.cohort import models

ORACLES = Path(__file__).with_name("oracles")

R = pd.read_csv(ORACLES / "cox.csv", index_col=["ties", "name"])
"""Made by ``oracles/cox.R`` (R 4.2.2, survival 3.5-3: coxph)."""


@pytest.fixture(scope="module")
def fit() -> models.Fit:
    data = pd.read_csv(ORACLES / "comparison_data.csv").query("set == 'bmt'")
    groups = {"all": (data.group == "1") * 1, "high": (data.group == "3") * 1, "failed": (data.event > 0) * 1}
    return models.cox(data.assign(**groups), "time", "failed", ["all", "high"])


def test_cox_by_group_is_r_with_efrons_ties(fit):
    efron = R.loc["efron"]
    assert fit.coefficients.coefficient.to_dict() == pytest.approx(efron.coefficient.to_dict(), rel=1e-8)
    assert fit.coefficients.standard_error.to_dict() == pytest.approx(efron.error.to_dict(), rel=1e-8)
    assert fit.log_likelihood == pytest.approx(efron.loglik.iloc[0], rel=1e-10)
    assert fit.log_likelihood_null == pytest.approx(efron.null.iloc[0], rel=1e-10)
    # To four decimals, beside AML of low risk: ALL .5742 (.2873), AML of high risk .9576 (.2653).
    assert fit.coefficients.coefficient.round(4).to_dict() == {"all": 0.5742, "high": 0.9576}
    assert fit.coefficients.standard_error.round(4).to_dict() == {"all": 0.2873, "high": 0.2653}


def test_breslows_ties_are_seen_to_differ(fit):
    breslow = R.loc["breslow"].coefficient
    assert (fit.coefficients.coefficient - breslow).abs().between(1e-6, 1e-2).all()
