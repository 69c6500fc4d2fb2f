"""Pictures as files: PNG, JPEG, PDF and SVG by suffix, written whole, at the size the paper has."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from gem.errors import ConfigError
from gem.files import write_whole
from gem.image.photo.picture import Picture
from gem.image.vector import page_svg

SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf", ".svg")


def check_suffix(path: Path, damaged: bool) -> None:
    """Raises `ConfigError` for a file that no picture can be written to."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path}: a picture is written as {', '.join(SUFFIXES)}; choose one of these suffixes")
    if damaged and path.suffix.lower() == ".svg":
        raise ConfigError(f"{path}: a photographed page is made of pixels; choose .png, or no --damage")


def encoded(picture: Picture, suffix: str) -> bytes:
    """The picture as the bytes of a file. PNG is lossless; JPEG has quality 92; PDF holds the pixels on a page of the paper's size."""
    dpi = picture.drawn.page.paper.dpi
    if suffix == ".svg":
        return page_svg(picture.drawn).encode("utf-8")
    out, image = BytesIO(), Image.fromarray(picture.image)
    if suffix == ".png":
        image.save(out, "PNG", dpi=(dpi, dpi), compress_level=3)
    elif suffix == ".pdf":
        image.save(out, "PDF", resolution=dpi)
    else:
        image.save(out, "JPEG", dpi=(round(dpi), round(dpi)), quality=92, subsampling=0)
    return out.getvalue()


def write_picture(picture: Picture, path: Path) -> None:
    """Write a picture, whole or not at all. Raises `ConfigError` for another suffix and where it cannot be written."""
    check_suffix(path, picture.damage is not None)
    write_whole(path, encoded(picture, path.suffix.lower()))
