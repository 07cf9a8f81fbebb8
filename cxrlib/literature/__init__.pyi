from .bibliography import (
    PAPERS as PAPERS,
    article_link as article_link,
    cite_articles as cite_articles,
    cite_collection as cite_collection,
)
from .csv_tables import read_rows as read_rows
from .licences import (
    METADATA_LICENCE as METADATA_LICENCE,
    WITHHELD as WITHHELD,
    cite_images as cite_images,
    count_licences as count_licences,
    credit as credit,
    describe_licences as describe_licences,
    licence_of as licence_of,
    read_licence as read_licence,
    shorten as shorten,
    why_left_out as why_left_out,
    why_withheld as why_withheld,
)
from .limitations import LIMITS as LIMITS, NOT_FOR as NOT_FOR, Limit as Limit
from .paper_scores import (
    DECIMALS as DECIMALS,
    FEATURE_TITLES as FEATURE_TITLES,
    MEAN as MEAN,
    PUBLISHED_TASKS as PUBLISHED_TASKS,
    ClassCounts as ClassCounts,
    PublishedScore as PublishedScore,
    PublishedTask as PublishedTask,
    add_up_counts as add_up_counts,
    find_scores as find_scores,
)
from .paper_tables import (
    PAPER_COMMIT as PAPER_COMMIT,
    PUBLISHED as PUBLISHED,
    PublishedCell as PublishedCell,
    PublishedTable as PublishedTable,
    find_table as find_table,
)
