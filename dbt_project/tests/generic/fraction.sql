{# A share of a whole: between 0 and 1, or null. #}
{% test fraction(model, column_name) %}
select *
from {{ model }}
where {{ column_name }} < 0
    or {{ column_name }} > 1
{% endtest %}
