"""Techniques with computations of their own, a module each, imported when first used."""
