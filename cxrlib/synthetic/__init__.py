"""The synthetic demo cohort: patients who do not exist, with radiographs to match.

`generate_demo` writes a whole cohort; `simulate_courses` gives its patients and metadata
without rendering an image. What is planted stands in the cohort's planted.json.
"""

from cxrlib.synthetic.records import SimulatedCohort, simulate_courses
from cxrlib.synthetic.write import generate_demo

__all__ = ["SimulatedCohort", "generate_demo", "simulate_courses"]
