"""Pictures of a student's: of a known format, of a size that a page can show, and nothing else."""

import base64
import binascii
import io
import warnings
from typing import Any

__all__ = ["FORMATS", "address"]

FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
}
LARGEST = 20 * 2**20  # bytes of a file
MOST_PIXELS = 100_000_000  # of it when shown; a small file can claim any number


def address(mime: str, data: Any) -> str | None:
    """Return the data: address of a picture in base64; None where it is none, or is too large."""
    if mime not in FORMATS or not isinstance(data, str) or len(data) > LARGEST * 3 // 2:
        return None
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) > LARGEST or not _is_shown(raw, FORMATS[mime]):
        return None
    return f"data:{mime};base64,{base64.b64encode(raw).decode()}"


def _is_shown(raw: bytes, kind: str) -> bool:
    """Tell whether a file begins as a picture of a kind does, of a size that can be shown."""
    # Most submissions hold no picture.
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # This reads the head of the file and no pixel.
            with Image.open(io.BytesIO(raw), formats=[kind]) as picture:
                width, height = picture.size
        except (
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombError,
        ):
            return False
    return 0 < width * height <= MOST_PIXELS
