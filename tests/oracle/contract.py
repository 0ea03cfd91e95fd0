"""Columns of the raw contract in its order, of the tables that MRR is made of (raw_contract.md)."""

from __future__ import annotations

COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(columns.split())
    for table, columns in {
        "billing.customers": "name email country currency created deleted",
        "billing.prices": (
            "product_id nickname currency unit_amount billing_scheme tiers tiers_mode type "
            "interval interval_count usage_type created"
        ),
        "billing.subscriptions": (
            "customer_id status start_date trial_start trial_end current_period_start "
            "current_period_end cancel_at_period_end cancel_at canceled_at ended_at "
            "cancellation_reason cancellation_feedback cancellation_comment "
            "collection_paused_at collection_resumes_at created"
        ),
        "billing.subscription_items": "subscription_id price_id quantity deleted created",
        "billing.discounts": (
            "customer_id subscription_id percent_off amount_off currency duration "
            "duration_in_months start_at end_at"
        ),
        "billing.invoices": (
            "customer_id subscription_id status currency subtotal discount_amount tax total "
            "amount_paid attempt_count created due_at paid_at period_start period_end"
        ),
        "billing.invoice_line_items": (
            "invoice_id subscription_id subscription_item_id price_id type description amount "
            "discount_amount tax_amount currency quantity proration period_start period_end"
        ),
        "billing.payments": (
            "invoice_id customer_id payment_method_id amount currency status failure_code created"
        ),
        "billing.refunds": "payment_id amount currency status reason created",
        "crm.accounts": (
            "billing_customer_id parent_account_id name segment industry country owner_id "
            "founded_on"
        ),
    }.items()
}
"""Key and `updated_at` are left out: these are what breaks a tie of `updated_at`."""

_TIMES = (
    "created start_date trial_start trial_end current_period_start current_period_end cancel_at "
    "canceled_at ended_at collection_paused_at collection_resumes_at start_at end_at due_at "
    "paid_at period_start period_end"
)
TIMES = frozenset(_TIMES.split())
"""Columns of type timestamp."""
