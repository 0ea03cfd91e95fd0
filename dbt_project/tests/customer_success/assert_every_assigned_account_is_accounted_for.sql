-- Nobody falls out of an experiment in silence: assigned = measured + unmeasured + contaminated.
select *
from {{ ref('fct_experiment_results') }}
where assigned_accounts
    <> target_accounts_measured + control_accounts_measured + unmeasured_accounts
    + contaminated_accounts
