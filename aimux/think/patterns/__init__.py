"""The patterns, a module each. A module is imported when its pattern is first used."""
