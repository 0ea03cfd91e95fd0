-- A page with a hole is not handed to a customer: everybody has nine sections with a headline.
select
    customer_id,
    count(*) as sections
from {{ ref('rpt_quarterly_review') }}
group by customer_id
having count(*) <> 9
    or count(headline) <> 9
    or count(body) <> 9
    or min(section_number) <> 1
    or max(section_number) <> 9
