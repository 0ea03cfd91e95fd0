"""Examples that nothing here tests yet, each with the domain that owes it."""

from __future__ import annotations

PENDING = {
    "G11": "unit_economics: LTV over the mean churn of six months",
    "G20": "unit_economics: LTV with a floor under churn",
    "G32": "unit_economics: LTV 250, then 166.67, a fall of 33.3% (the page says 40%)",
    "G40": "revenue: no switch leaves a limited coupon out on yearly plans only",
    "G43": "unit_economics: ARPA over all time",
    "G44": "unit_economics: simple LTV",
    "G49": "unit_economics: tax and store commission",
    "G51": "unit_economics: expected LTV of trials",
    "G53": "customer_success: health score of a portfolio",
    "G54": "customer_success: health bands",
    "G55": "customer_success: health from NPS",
    "G57": "revenue: no switch subtracts partial periods of a contract before dividing",
    "G58": "revenue: amounts of prorated invoices",
    "G60": "revenue: recognised revenue (tests/books/test_statements.py)",
    "G62": "revenue: minimum commitments (tests/books/test_statements.py)",
    "G63": "unit_economics: lifetime from churn",
    "G66": "unit_economics: CAC and payback",
    "G67": "unit_economics: CAC payback",
    "G68": "unit_economics: CAC payback",
    "G69": "unit_economics: CAC payback",
    "G70": "unit_economics: LTV to CAC under loadings",
    "G71": "unit_economics: LTV",
    "G77": "unit_economics: discounted LTV, 733.33 (the page misplaces a bracket)",
    "G78": "unit_economics: CAC payback 15 months (the page's precedence gives 9.6)",
}
