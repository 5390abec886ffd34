"""What is computed about jobs that were: why one ended, whether it would read the same today."""

from ._replay import Difference as Difference, compare_readings as compare_readings
from ._why import Step as Step, Why as Why, explain_end as explain_end
