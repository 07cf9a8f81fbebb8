from .output_courses import (
    describe_points as describe_points,
    describe_scale as describe_scale,
    plot_course as plot_course,
    plot_similar_patients as plot_similar_patients,
)
from .timeline import plot_timeline as plot_timeline
