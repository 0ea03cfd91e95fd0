{# No row at all: for lists of what should not be. #}
{% test is_empty(model) %}
select *
from {{ model }}
{% endtest %}
