"""The documents as a static site: guides and rules by hand, the rest from the dbt project."""
