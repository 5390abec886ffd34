"""The stdio end of the daemon: what starts when an editor opens. Modules are public by name."""
