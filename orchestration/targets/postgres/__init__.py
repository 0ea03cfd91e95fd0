"""The target for BI tools: a PostgreSQL database whose views show one release, all or none.

| part | does |
|---|---|
| server.py | address, connection, what may go wrong with it |
| dictionary.py | what is published, from the release's own dictionary |
| layout.py | schemas, roles and their rights, `ops.publication` |
| load.py | a hidden schema `rel_<n>`: rows, keys, comments, statistics, sums compared |
| flip.py | all views to it in one transaction |
| janitor.py | removes what is not live |
| target.py | puts it together, and converges |

| variable | meaning |
|---|---|
| HOLDFAST_POSTGRES_DSN | libpq address of the database; no password needs to be in it |
"""
