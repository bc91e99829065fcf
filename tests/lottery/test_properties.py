"""What holds for every list and every design, not only for the examples."""

import json
import unicodedata
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from randomization.lottery.design import Design
from randomization.lottery.draw import commit, draw, freeze
from randomization.lottery.record import Record
from randomization.lottery.redraw import Redraw
from randomization.lottery.sequential import announce, close, reveal, seal
from randomization.lottery.verify import Difference, check
from tests.lottery import vectors
from tests.lottery.conftest import DESIGNS
from trialmgr.core.errors import BadInput

steady = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
names = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1, max_size=5)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(bool)
)
secrets = st.binary(min_size=32, max_size=32)


@st.composite
def designs(draw_from, name):
    equal = name in ("efron", "big stick", "range", "variance")
    two = name in ("efron", "big stick")
    arms = draw_from(st.lists(names, min_size=2, max_size=2 if two else 4, unique=True))
    ratio = [1] * len(arms) if equal else draw_from(st.lists(st.integers(1, 3), min_size=len(arms), max_size=len(arms)))
    sizes = draw_from(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    changes = {"balance": {"mahalanobis": ["sex", "age"], "max": 50}} if name == "mahalanobis" else {}
    return Design(**(DESIGNS[name] | {"arms": arms, "ratio": ratio, "multipliers": sizes} | changes))


@st.composite
def lists(draw_from, design):
    units = draw_from(st.lists(names, min_size=1, max_size=25, unique=True))
    strata = draw_from(st.lists(names, min_size=1, max_size=3))
    values = st.integers(-3, 3).map(str)
    return [(unit, draw_from(st.sampled_from(strata)), *(draw_from(values) for _ in design.columns)) for unit in units]


def drawn(design, rows, secret):
    try:
        frozen = freeze(rows, design)
        return draw(commit(frozen, secret), secret, vectors.BEACON)
    except BadInput:  # columns that tell the same, or a rule that this list cannot meet
        assume(False)
        raise


@pytest.mark.parametrize("name", DESIGNS)
@steady
@given(data=st.data())
def test_every_draw_is_replayed_by_the_verifier_whatever_the_order_of_the_list(name, data):
    design = data.draw(designs(name))
    rows = data.draw(lists(design))
    secret = data.draw(secrets)
    record = drawn(design, rows, secret)
    text = record.to_json()
    check(json.loads(text))
    assert Record.from_json(text) == record
    assert drawn(design, data.draw(st.permutations(rows)), secret).to_json() == text
    assert {row[0] for row in rows} == {unit for unit, _, _ in record.result}
    assert {arm for _, _, arm in record.result} <= set(design.arms)


@pytest.mark.parametrize("name", DESIGNS)
@steady
@given(data=st.data())
def test_another_arm_for_one_unit_is_always_found(name, data):
    design = data.draw(designs(name))
    record = json.loads(drawn(design, data.draw(lists(design)), data.draw(secrets)).to_json())
    line = data.draw(st.sampled_from(record["result"]))
    line[2] = data.draw(st.sampled_from([arm for arm in design.arms if arm != line[2]]))
    with pytest.raises(Difference, match="result line"):
        check(record)


@pytest.mark.parametrize("name", ["complete", "blocks"])
@steady
@given(data=st.data())
def test_counts_stay_near_the_ratio_in_every_stratum(name, data):
    design = data.draw(designs(name))
    record = drawn(design, data.draw(lists(design)), data.draw(secrets))
    for stratum in {at for _, at, _ in record.result}:
        arms = [arm for _, at, arm in record.result if at == stratum]
        block = sum(design.ratio) * (max(design.multipliers) if name == "blocks" else 1)
        for arm, share in design.shares.items():
            assert abs(arms.count(arm) - len(arms) * share) < block


@pytest.mark.parametrize("name", DESIGNS)
@steady
@given(data=st.data())
def test_a_design_survives_its_file_and_its_record(name, data):
    design = data.draw(designs(name))
    assert Design.from_yaml(design.to_yaml()) == design
    assert Design.from_params(design.params()) == design
    assert sum(design.shares.values()) == 1
    assert all(isinstance(share, Fraction) for share in design.shares.values())


@pytest.mark.parametrize("name", [name for name in DESIGNS if name not in ("mahalanobis", "tolerance")])
@steady
@given(data=st.data())
def test_redraws_have_the_counts_that_a_draw_can_have(name, data):
    design = data.draw(designs(name))
    rows = data.draw(lists(design))
    labels = Redraw.of(freeze(rows, design)).redraw(np.random.default_rng(data.draw(st.integers(0, 99))))
    assert labels.shape == (len(rows),)
    assert set(labels.tolist()) <= set(range(len(design.arms)))
    if name == "complete":
        strata = [row[1] for row in sorted(rows)]
        for stratum in set(strata):
            mine = labels[[at == stratum for at in strata]]
            for arm, share in enumerate(design.shares.values()):
                assert abs((mine == arm).sum() - len(mine) * float(share)) < sum(design.ratio)


@pytest.mark.parametrize("name", ["simple", "blocks", "efron", "big stick"])
@steady
@given(data=st.data())
def test_sequential_lotteries_verify_at_every_stage(name, data):
    design = data.draw(designs(name)).model_copy(update={"mode": "sequential"})
    places = data.draw(st.dictionaries(names, st.integers(1, 9), min_size=1, max_size=3))
    secret = data.draw(secrets)
    record = seal(announce(places, design, secret), secret, vectors.BEACON)
    for stratum in places:
        for number in range(data.draw(st.integers(0, places[stratum]))):
            record, place = reveal(record, secret, unit=f"{stratum}/{number}", stratum=stratum)
            assert place.number == number + 1
    check(json.loads(record.to_json()))
    closed = close(record, secret)
    check(json.loads(closed.to_json()))
    assert Record.from_json(closed.to_json()) == closed
