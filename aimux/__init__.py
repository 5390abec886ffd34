"""aimux: one MCP server and local daemon in front of many AI coding CLIs."""

__version__ = "0.1.0"
