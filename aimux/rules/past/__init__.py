"""What is computed about jobs that were: why one ended."""

from ._why import Step as Step, Why as Why, explain_end as explain_end
