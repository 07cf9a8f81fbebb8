from .own_columns import (
    OwnColumn as OwnColumn,
    find_extra as find_extra,
    parse_own_column as parse_own_column,
)
from .task_cards import Card as Card, make_card as make_card
from .task_rows import (
    TaskRows as TaskRows,
    compare_labelled as compare_labelled,
    count_classes as count_classes,
    narrow_rows as narrow_rows,
    take_rows as take_rows,
)
from .tasks import (
    FORMED as FORMED,
    PAPER_TASKS as PAPER_TASKS,
    Task as Task,
    TaskColumn as TaskColumn,
    find_task as find_task,
    form_task as form_task,
    list_task_columns as list_task_columns,
    read_task as read_task,
    split_after as split_after,
    split_before as split_before,
)
