"""Mart suites of customer success: a source that stopped, a queue that floods, a past that moved.

Signals, triggers and health are made anew from all that has landed, so a file that is missing shows
first as accounts that fall silent. Only what is compared with the last release can tell that from
customers who do.
"""

from __future__ import annotations

from expectations.rules import Rule

SCHEMA = "customer_success"

#: From this many accounts on: of a few, all may well do the same.
MANY_ACCOUNTS = 50
#: More than this share of the firings and outcomes of the last release must still be there.
REMAINING_FIRINGS = "0.9"
REMAINING_OUTCOMES = "0.95"
#: The mean score may move by so many points between two releases,
SCORE_MOVE = 10
#: and the mean coverage fall by this much.
COVERAGE_FALL = "0.25"
#: The open actions may grow by this factor between two releases.
QUEUE_GROWTH = 3

LAST = f"last_release.{SCHEMA}"


def customer_success_rules() -> list[Rule]:
    """All rules of this domain's marts."""
    return [*_signals(), *_triggers(), *_health(), *_actions(), *_lists_and_experiments()]


def _signals() -> list[Rule]:
    table = "fct_customer_signals"
    accounts = "select signal, count(*) as accounts from {rows} where is_latest group by signal"
    return [
        Rule(
            schema=SCHEMA,
            table=table,
            name="signals_keep_their_accounts",
            kind="no_rows",
            sentence=f"Every signal that {MANY_ACCOUNTS} accounts or more had at the last release"
            " still has half as many; else what it is made of has stopped coming.",
            severity="warning",
            needs_last_release=True,
            query="select signal, released.accounts as released_accounts,"
            " coalesce(now.accounts, 0) as accounts"
            f" from ({accounts.replace('{rows}', f'{LAST}.{table}')}) as released"
            f" left join ({accounts.replace('{rows}', '{batch} as listed')}) as now using (signal)"
            f" where released.accounts >= {MANY_ACCOUNTS}"
            " and 2 * coalesce(now.accounts, 0) < released.accounts",
        ),
    ]


def _triggers() -> list[Rule]:
    table = "fct_trigger_events"
    last_day = f"(select max(as_of_date) from {LAST}.fct_customer_signals)"
    accounts = (
        f"(select count(distinct account_id) from {SCHEMA}.fct_customer_signals where is_latest)"
    )
    return [
        Rule(
            schema=SCHEMA,
            table=table,
            name="past_firings_stay",
            kind="no_rows",
            sentence="At least nine tenths of the firings of the last release are still there, of"
            " every trigger that there still is.",
            needs_last_release=True,
            acceptable=True,
            query="select trigger_key, count(*) as expected, count(now.account_id) as seen"
            f" from {LAST}.{table} as released"
            " left join {batch} as now using (trigger_key, account_id, fired_date)"
            f" where trigger_key in (select trigger_key from {SCHEMA}.{table})"
            f" group by trigger_key having count(*) >= {MANY_ACCOUNTS}"
            f" and count(now.account_id) < {REMAINING_FIRINGS} * count(*)",
        ),
        Rule(
            schema=SCHEMA,
            table=table,
            name="no_trigger_fires_for_most",
            kind="no_rows",
            sentence="No trigger has fired for more than half of all accounts since the last"
            f" release ({MANY_ACCOUNTS} accounts or more).",
            severity="warning",
            needs_last_release=True,
            query="select trigger_key, fired_accounts, accounts"
            " from (select trigger_key, count(distinct account_id) as fired_accounts"
            f" from {{batch}} as listed where fired_date > {last_day} group by trigger_key)"
            f" as fired cross join (select {accounts} as accounts) as all_of_them"
            f" where accounts >= {MANY_ACCOUNTS} and 2 * fired_accounts > accounts",
        ),
    ]


def _health() -> list[Rule]:
    table = "fct_health_scores"
    means = (
        "select health_version_id, count(*) as accounts, avg(score) as score,"
        " avg(coverage) as coverage from {rows} where is_latest group by health_version_id"
    )
    both = (
        f" from ({means.replace('{rows}', f'{LAST}.{table}')}) as released"
        f" join ({means.replace('{rows}', '{batch} as listed')}) as now using (health_version_id)"
        f" where released.accounts >= {MANY_ACCOUNTS} and now.accounts >= {MANY_ACCOUNTS}"
    )
    return [
        Rule(
            schema=SCHEMA,
            table=table,
            name="published_scores_stay",
            kind="no_rows",
            sentence="The scores of days before that of the last release are as they were"
            " published.",
            needs_last_release=True,
            acceptable=True,
            query="select account_id, as_of_date, released.score as expected, now.score as seen"
            f" from {LAST}.{table} as released"
            " left join {batch} as now using (account_id, as_of_date)"
            f" where as_of_date < (select max(as_of_date) from {LAST}.{table})"
            f" and as_of_date <= (select max(as_of_date) from {SCHEMA}.{table})"
            " and (now.score is null or now.score <> released.score)",
        ),
        Rule(
            schema=SCHEMA,
            table=table,
            name="health_moves_slowly",
            kind="no_rows",
            sentence=f"The mean score is within {SCORE_MOVE} points of that of the last release,"
            f" under the same weights ({MANY_ACCOUNTS} accounts or more).",
            severity="warning",
            needs_last_release=True,
            query="select released.score as released_score, now.score"
            f"{both} and abs(now.score - released.score) > {SCORE_MOVE}",
        ),
        Rule(
            schema=SCHEMA,
            table=table,
            name="components_keep_their_data",
            kind="no_rows",
            sentence="The share of the weights that have data has not fallen by more than a quarter"
            f" of the whole since the last release ({MANY_ACCOUNTS} accounts or more).",
            severity="warning",
            needs_last_release=True,
            query="select released.coverage as released_coverage, now.coverage"
            f"{both} and now.coverage < released.coverage - {COVERAGE_FALL}",
        ),
    ]


def _actions() -> list[Rule]:
    table = "fct_action_queue"
    return [
        Rule(
            schema=SCHEMA,
            table=table,
            name="no_more_is_at_stake_than_there_is",
            kind="no_rows",
            sentence="The MRR at stake in open actions, each customer counted once, is not more"
            " than the MRR of all customers.",
            query="select at_stake, current_mrr"
            " from (select sum(mrr) as at_stake from (select customer_id, max(mrr_at_stake) as mrr"
            " from {batch} as listed where state = 'open' group by customer_id) as of_customers)"
            " as queue cross join"
            " (select sum(current_mrr) as current_mrr from core.dim_customers) as customers"
            " where at_stake > current_mrr",
        ),
        Rule(
            schema=SCHEMA,
            table=table,
            name="queue_does_not_flood",
            kind="no_rows",
            sentence=f"There are at most {QUEUE_GROWTH} times as many open actions as at the last"
            f" release, or {MANY_ACCOUNTS} more.",
            severity="warning",
            needs_last_release=True,
            query="select released.actions as released_actions, now.actions"
            f" from (select count(*) as actions from {LAST}.{table} where state = 'open')"
            " as released cross join"
            " (select count(*) as actions from {batch} as listed where state = 'open') as now"
            f" where now.actions > {QUEUE_GROWTH} * released.actions"
            f" and now.actions > released.actions + {MANY_ACCOUNTS}",
        ),
        Rule(
            schema=SCHEMA,
            table=table,
            name="outcomes_stay",
            kind="no_rows",
            sentence="At least 95 % of the actions that were resolved at the last release still"
            " are: somebody did them.",
            needs_last_release=True,
            acceptable=True,
            query="select * from (select count(*) as expected,"
            " sum(case when now.state = 'resolved' then 1 else 0 end) as seen"
            f" from {LAST}.{table} as released left join {{batch}} as now using (action_id)"
            " where released.state = 'resolved') as outcomes"
            f" where seen < {REMAINING_OUTCOMES} * expected",
        ),
    ]


def _lists_and_experiments() -> list[Rule]:
    return [
        Rule(
            schema=SCHEMA,
            table="fct_experiment_results",
            name="groups_are_as_large_as_they_were_meant_to_be",
            kind="no_rows",
            sentence="No experiment's groups differ from the share that was meant.",
            severity="warning",
            query="select experiment_id, target_accounts, control_accounts,"
            " expected_target_share, sample_ratio_p_value from {batch}"
            " where has_sample_ratio_mismatch",
        ),
        Rule(
            schema=SCHEMA,
            table="fct_experiment_results",
            name="few_accounts_are_contaminated",
            kind="no_rows",
            sentence="At most one in twenty of an experiment's accounts is in both groups.",
            severity="warning",
            query="select experiment_id, assigned_accounts, contaminated_accounts from {batch}"
            " where 20 * contaminated_accounts > assigned_accounts",
        ),
        Rule(
            schema=SCHEMA,
            table="fct_silent_customers",
            name="most_customers_are_heard_of",
            kind="no_rows",
            sentence="Where there are"
            f" {MANY_ACCOUNTS} customers or more, fewer than half of them are silent;"
            " else events have stopped coming rather than customers.",
            severity="warning",
            query="select silent.customers as silent_customers, paying.customers"
            " from (select count(*) as customers from {batch} as listed) as silent"
            " cross join (select count(*) as customers from core.dim_customers"
            " where status = 'paying' and not is_deleted) as paying"
            f" where paying.customers >= {MANY_ACCOUNTS}"
            " and 2 * silent.customers > paying.customers",
        ),
        Rule(
            schema=SCHEMA,
            table="fct_audiences",
            name="audiences_do_not_halve",
            kind="no_rows",
            sentence="Every audience of the last release still has half of its recipients.",
            severity="warning",
            needs_last_release=True,
            query="select released.audience, count(now.recipient_id) as recipients,"
            " count(*) as released_recipients"
            " from last_release.customer_success.fct_audiences as released"
            " left join {batch} as now"
            " using (audience, recipient_type, recipient_id)"
            " group by released.audience having 2 * count(now.recipient_id) < count(*)",
        ),
    ]
