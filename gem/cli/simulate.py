"""gem simulate SPEC -o X"""

import argparse
from pathlib import Path

from gem.cli.common import say, say_json, talk
from gem.errors import ConfigError


def arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "spec", nargs="*", metavar="SPEC", help="a preset, a YAML file, and key=value pairs, e.g. rbbb rate=90 noise.muscle=20"
    )
    sub.add_argument("-o", "--output", metavar="X", help="writes X.hea, X.dat and X.truth.json")
    sub.add_argument("--list", action="store_true", help="the presets")
    sub.add_argument("--overwrite", action="store_true", help="replace files that are there")
    sub.add_argument("--json", action="store_true", help="the truth on stdout too")


def run(args: argparse.Namespace) -> int:
    from gem.simulate import PRESETS, read_spec, simulate_recording, write_simulated

    if args.list:
        say_json(sorted(PRESETS)) if args.json else say("\n".join(sorted(PRESETS)))
        return 0
    if not args.spec or not args.output:
        raise ConfigError("a SPEC and -o X are needed; --list shows the presets")
    simulated = simulate_recording(read_spec(args.spec))
    write_simulated(simulated, Path(args.output), overwrite=args.overwrite)
    talk(f"gem simulate: {args.output}.hea, .dat and .truth.json written")
    if args.json:
        say_json(simulated.truth.to_json())
    return 0
