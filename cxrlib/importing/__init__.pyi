from .dicom_header import DicomOptions as DicomOptions
from .dicom_import import (
    DicomImport as DicomImport,
    import_dicom as import_dicom,
    preview_dicom as preview_dicom,
)
from .dicom_source import DicomSource as DicomSource
from .importer import Importer as Importer
from .join import (
    JoinReport as JoinReport,
    describe_join as describe_join,
    write_joined as write_joined,
)
from .mapping import Mapping as Mapping, parse_mapping as parse_mapping
from .pseudonyms import (
    Pseudonyms as Pseudonyms,
    find_default_key as find_default_key,
    load_pseudonyms as load_pseudonyms,
)
from .recipes import (
    NamedMapping as NamedMapping,
    find_recipe as find_recipe,
    list_recipes as list_recipes,
    read_mapping as read_mapping,
)
from .report import (
    ImportReport as ImportReport,
    describe_import as describe_import,
    make_record as make_record,
)
from .suggestion import Suggestion as Suggestion, suggest_mapping as suggest_mapping
from .target import check_apart as check_apart, write_target as write_target
