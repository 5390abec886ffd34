"""Ways to run a child process: pipe, pseudo-terminal, Windows console."""
