-- An effect is called exactly where its interval leaves out 0, and on the side that it says.
select *
from {{ ref('fct_experiment_results') }}
where (result = 'target_better' and (effect_low < 0 or effect_low is null))
    or (result = 'control_better' and (effect_high > 0 or effect_high is null))
    or (result = 'no_difference_shown' and (effect_low > 0 or effect_high < 0))
    or not effect between effect_low and effect_high
