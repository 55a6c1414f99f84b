"""A whole table through several members: containers, text columns, members, gains, the report."""
