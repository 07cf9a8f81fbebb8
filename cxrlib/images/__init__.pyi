from .dicom import (
    MODALITIES as MODALITIES,
    TAGS as TAGS,
    DicomElements as DicomElements,
    check_elements as check_elements,
    decode_dicom as decode_dicom,
    is_enveloped as is_enveloped,
    looks_like_dicom as looks_like_dicom,
    read_elements as read_elements,
)
from .image_files import (
    PREPROCESSING as PREPROCESSING,
    SIDE as SIDE,
    check_unchanged as check_unchanged,
    decode_described as decode_described,
    decode_image as decode_image,
    decode_smaller as decode_smaller,
    guard_image as guard_image,
    preprocess as preprocess,
    read_image as read_image,
    read_image_bytes as read_image_bytes,
    read_unchanged as read_unchanged,
    to_eight_bits as to_eight_bits,
)
from .parallel_reading import (
    ImageFile as ImageFile,
    Prepared as Prepared,
    prepare_images as prepare_images,
)
from .png import encode_png as encode_png
