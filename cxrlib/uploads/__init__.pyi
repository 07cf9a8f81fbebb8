from .placement import (
    ALLOW_VARIABLE as ALLOW_VARIABLE,
    WEIGHTS_VARIABLE as WEIGHTS_VARIABLE,
    Placed as Placed,
    Reference as Reference,
    Upload as Upload,
    are_uploads_allowed as are_uploads_allowed,
    describe_placed as describe_placed,
    embed_upload as embed_upload,
    list_upload_notes as list_upload_notes,
    measure_reference as measure_reference,
    place_upload as place_upload,
)
