"""The same models on a Spark cluster: the cluster itself, its raw views, and the way back.

Spark builds the models; everything before (the gate) and after (audit, seal, commit, targets) is
the same as with DuckDB.
"""
