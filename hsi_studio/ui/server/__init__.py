"""Who may ask: guard, users, owners, shares."""
