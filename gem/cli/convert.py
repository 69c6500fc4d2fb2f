"""gem convert SRC DEST"""

import argparse
from pathlib import Path

from gem.cli.common import say, talk
from gem.errors import ConfigError

_DTYPES = ("float32", "bfloat16", "float16")


def arguments(sub: argparse.ArgumentParser) -> None:
    known = "folder of GEM, PULSE-7B or LLaVA-1.6; ECG-CoCa .pt; open_clip .safetensors; an index; a recipe .yaml"
    sub.add_argument("source", metavar="SRC", help=known)
    sub.add_argument("target", nargs="?", metavar="DEST", help="new folder")
    sub.add_argument("--dry-run", action="store_true", help="only say which tensor becomes what; an index (*.index.json) is enough")
    sub.add_argument("--dtype", choices=_DTYPES, help="of the new weights (default: as they are)")
    sub.add_argument("--quick-gelu", action="store_true", help="an open_clip image encoder that OpenAI trained")


def run(args: argparse.Namespace) -> int:
    if not args.target and not args.dry_run:
        raise ConfigError("a DEST is needed, or --dry-run")
    source = Path(args.source)
    if source.suffix == ".yaml":
        return _built(source, args)
    from gem.model.quiet import quiet

    quiet()
    from gem.model.convert import convert, plan

    if args.dry_run:
        found = plan(source, args.quick_gelu)
    else:
        found = convert(source, Path(args.target), args.dtype, args.quick_gelu)
        talk(f"gem convert: {args.target} written")
    say("\n".join(found.lines()))
    return 0 if found.whole else 3


def _built(recipe: Path, args: argparse.Namespace) -> int:
    """A new model from a recipe."""
    from gem.model.quiet import quiet

    quiet()
    from gem.model.build import ModelRecipe, build, save

    changes = [f"dtype={args.dtype}"] if args.dtype else []
    settings = ModelRecipe.load(recipe, changes)
    if args.dry_run:
        say(f"{recipe}: a recipe named {settings.name}")
        return 0
    model, processor = build(settings)
    save(model, processor, Path(args.target))
    count = sum(parameter.numel() for parameter in model.parameters())
    talk(f"gem convert: {args.target} written, {count:,} parameters")
    return 0
