"""What flows in: the five tables of a community, how they are read, checked, stored and split."""
