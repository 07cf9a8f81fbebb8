from .job_kinds import (
    EXTRACTION as EXTRACTION,
    TRUST_VARIABLE as TRUST_VARIABLE,
    fill_parameters as fill_parameters,
    load_warm_extractor as load_warm_extractor,
)
from .job_queue import KILL_AFTER as KILL_AFTER, JobQueue as JobQueue, JobRequest as JobRequest
from .job_record import (
    Job as Job,
    describe_job as describe_job,
    format_job as format_job,
    parse_job as parse_job,
)
from .worker import Worker as Worker, become_worker as become_worker
