from .http_download import Download as Download
from .optional_packages import require_package as require_package
from .os_errors import (
    describe_network_error as describe_network_error,
    describe_read_error as describe_read_error,
    describe_write_error as describe_write_error,
)
from .process_identity import (
    ProcessMark as ProcessMark,
    end_process as end_process,
    is_alive as is_alive,
    mark_process as mark_process,
)
from .processes import (
    ONE_THREAD as ONE_THREAD,
    PACKAGE_FOLDER as PACKAGE_FOLDER,
    count_cores as count_cores,
    give_way as give_way,
    run_module as run_module,
    tie_to_parent as tie_to_parent,
    with_environment as with_environment,
    without_script as without_script,
)
from .progress_line import (
    ProgressLine as ProgressLine,
    describe_stage as describe_stage,
    format_seconds as format_seconds,
)
