"""A SaaS company with known truth: landing files of any size, and apart from them the truth.

The company is simulated first (`company`, `lifecycles`): day-grain states of every subscription,
item, discount and account. The raw contract (`billing`, `product`, `gtm`, `customer_success`) and
the truth (`truth`) are both derived from that one log, and nothing here imports the warehouse.
"""
