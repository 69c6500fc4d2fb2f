"""What a person may write, and every mistake told at once."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from gem.errors import ConfigError
from gem.simulate import PRESETS, SimulationSpec, random_spec, read_spec


def test_a_preset_is_read_by_name() -> None:
    assert read_spec("rbbb") == PRESETS["rbbb"]


@pytest.mark.parametrize("words", ["rbbb rate=90 noise.muscle=20 seed=3", ["rbbb", "rate=90", "noise.muscle=20", "seed=3"]])
def test_words_follow_a_preset(words: str | list[str]) -> None:
    spec = read_spec(words)
    assert (spec.conduction, spec.rate, spec.noise.muscle, spec.seed, spec.age) == ("rbbb", 90, 20, 3, PRESETS["rbbb"].age)
    assert spec.name == ""


def test_words_alone_and_lists_with_commas() -> None:
    spec = read_spec("structure=lvh,left_atrial flat=V3 reversal=RA/LA name=mine")
    assert (spec.structure, spec.flat, spec.reversal, spec.name) == (("lvh", "left_atrial"), ("V3",), "LA/RA", "mine")


def test_nothing_is_the_default() -> None:
    assert read_spec("") == SimulationSpec()


def test_a_yaml_file_is_read_and_words_follow_it(tmp_path: Path) -> None:
    file = tmp_path / "heart.yaml"
    file.write_text("conduction: lbbb\nav_block: 2_to_1\nflat: [V2]\nnoise: {white: 30}\n")
    assert read_spec(file).flat == ("V2",)
    spec = read_spec(f"{file} rate=80 noise.wander=5")
    assert (spec.conduction, spec.av_block, spec.rate, spec.noise.asked()) == ("lbbb", "2_to_1", 80, {"wander": 5, "white": 30})


def test_all_wrong_keys_and_values_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        read_spec("rate=900 colour=red noise.pink=3 rhythm=samba reversal=LA/V1 flat=V9 nonsense")
    text = str(told.value)
    for part in ("rate:", "colour:", "noise.pink:", "rhythm:", "reversal:", "flat:", "nonsense:"):
        assert part in text


def test_impossible_combinations_are_told_together() -> None:
    with pytest.raises(ConfigError, match=r"qt_ms and qtc_ms.*left_atrial and right_atrial need P"):
        read_spec("rhythm=atrial_fibrillation structure=left_atrial qt_ms=400 qtc_ms=420")


def test_a_misspelt_preset_names_its_neighbours() -> None:
    with pytest.raises(ConfigError, match="did you mean rbbb"):
        read_spec("rbb")


@pytest.mark.parametrize("content", ["- 1\n- 2\n", "a: [", ""])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"x\.yaml"):
        read_spec(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_spec(tmp_path / "none.yaml")


def test_a_spec_is_frozen_and_its_digest_follows_its_content() -> None:
    spec = SimulationSpec()
    with pytest.raises(ValidationError):
        spec.rate = 80  # type: ignore[misc]
    assert spec.digest != SimulationSpec(seed=1).digest
    assert spec.digest == SimulationSpec(name="other").digest


def test_presets_carry_their_own_name() -> None:
    assert len(PRESETS) >= 40
    assert all(spec.name == name for name, spec in PRESETS.items())


def test_the_population_is_broad_and_repeats_from_its_seed() -> None:
    specs = [random_spec(np.random.default_rng([5, k])) for k in range(300)]
    assert specs[:3] == [random_spec(np.random.default_rng([5, k])) for k in range(3)]
    assert {"sinus", "atrial_fibrillation", "atrial_flutter", "paced_ventricular"} <= {spec.rhythm for spec in specs}
    assert {"rbbb", "lbbb", "lafb", "pre_excitation"} <= {spec.conduction for spec in specs}
    assert {"pvc", "pac"} <= {spec.ectopy for spec in specs}
    assert {"upright", "flat", "biphasic", "inverted"} == {spec.t_form for spec in specs}
    assert {"mobitz_1", "mobitz_2", "complete"} <= {spec.av_block for spec in specs}
    rates = [spec.rate for spec in specs if spec.rate]
    assert min(rates) < 50
    assert max(rates) > 120
