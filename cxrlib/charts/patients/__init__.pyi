from .output_courses import (
    explain_near as explain_near,
    explain_scale as explain_scale,
    plot_course as plot_course,
    plot_near as plot_near,
)
from .timeline import plot_timeline as plot_timeline
