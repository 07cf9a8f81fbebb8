from .cache_folder import find_default_cache as find_default_cache, is_checkout as is_checkout
from .embedding_store import EmbeddingStore as EmbeddingStore, EmbeddingWriter as EmbeddingWriter
from .extractor_info import (
    OUTSIDE as OUTSIDE,
    RESERVED_COLUMNS as RESERVED_COLUMNS,
    ExtractorInfo as ExtractorInfo,
)
from .file_index import hash_files as hash_files
from .files import (
    ANNOTATIONS_FOLDER as ANNOTATIONS_FOLDER,
    IMAGES_FOLDER as IMAGES_FOLDER,
    hash_annotations as hash_annotations,
    hash_file as hash_file,
    leaves_cohort as leaves_cohort,
    locate_image as locate_image,
    open_regular as open_regular,
    read_regular as read_regular,
    write_whole as write_whole,
)
from .json_records import (
    FINITE as FINITE,
    JSON as JSON,
    Count as Count,
    Quantity as Quantity,
    parse_json as parse_json,
)
from .json_tables import to_records as to_records
from .store import Store as Store
