"""The whole output schema of each tool, its `data` included, as `aimux://schemas/{tool}` gives it.

It is built when it is first read: the list of tools shows the short one of the catalogue.
"""

from ._all import output_schema as output_schema, schemas_of as schemas_of
