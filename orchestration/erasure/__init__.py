"""Erasing a customer: no byte of the person stays, and no figure changes."""
