"""What public classes are made of: one fit and transform, state, saving, explaining."""
