"""Facts about files."""
