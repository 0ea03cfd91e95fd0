"""An independent reading of docs/mrr_rules.md: replays raw rows in pure Python, with fractions.

Nothing here is shared with the project: no imports from it, no SQL, no data frames. Where the
property tests find that the warehouse and this package differ, one of the two is wrong, or the
text is. `replay.replay` is the way in.
"""
