"""Stand-ins for the twelve coding CLIs: same flags, same output, no model, no network."""
