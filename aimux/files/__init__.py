"""Facts about files, without policy. Modules are public by name."""
