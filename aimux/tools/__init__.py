"""The tools: one module each, the catalog that lists them, resources and prompts."""
