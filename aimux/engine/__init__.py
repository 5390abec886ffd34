"""Jobs, turns and everything a CLI run passes through."""
