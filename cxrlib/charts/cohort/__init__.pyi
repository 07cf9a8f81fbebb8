from .findings import describe_findings as describe_findings, plot_findings as plot_findings
from .flow import describe_flow as describe_flow, plot_flow as plot_flow
from .geography import (
    describe_places as describe_places,
    describe_unplaced as describe_unplaced,
    describe_world as describe_world,
    plot_places as plot_places,
    plot_world as plot_world,
)
from .group_differences import (
    describe_differences as describe_differences,
    plot_differences as plot_differences,
)
from .histograms import (
    describe_ages as describe_ages,
    describe_offsets as describe_offsets,
    describe_sizes as describe_sizes,
    plot_ages as plot_ages,
    plot_offsets as plot_offsets,
    plot_sizes as plot_sizes,
)
from .missingness import describe_missing as describe_missing, plot_missing as plot_missing
