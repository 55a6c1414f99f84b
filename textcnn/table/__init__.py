"""Encode a table with several members: containers, text columns, members, gains, the report."""
