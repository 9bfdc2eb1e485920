from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.errors import SimulationError
from hybridwing.simulate.plan import plan
from hybridwing.simulate.proportions import OFFICIAL_SPECIMENS, least_specimens, scale
from hybridwing.simulate.strata import FIRST_RECORD, STRATA
from hybridwing.simulate.taxa import TAXA


def test_the_official_size_gives_the_official_counts():
    shares = scale(OFFICIAL_SPECIMENS)
    assert OFFICIAL_SPECIMENS == 2082 + 2350
    for share in shares:
        stratum = share.stratum
        assert (share.train, share.test, share.val) == (stratum.train, stratum.test, stratum.val)
        for source in stratum.sources:
            assert share.train_records.count(source.record) == source.train
            assert share.test_records.count(source.record) == source.test
    assert sum(share.train for share in shares) == 2082
    assert sum(share.test for share in shares) == 2350
    assert sum(share.val for share in shares) == 1175


@pytest.mark.parametrize(
    ("indicator", "plain", "hybrid"), [("major", 455, 365), ("minor", 407, 28), ("mimic", 847, 248)]
)
def test_official_test_counts_by_indicator(indicator, plain, hybrid):
    shares = [share for share in scale(OFFICIAL_SPECIMENS) if share.stratum.indicator == indicator]
    assert sum(share.test for share in shares if not share.stratum.hybrid) == plain
    assert sum(share.test for share in shares if share.stratum.hybrid) == hybrid


@given(st.integers(least_specimens(), 20000))
def test_any_size_is_shared_out_whole_and_no_class_is_lost(specimens):
    shares = scale(specimens)
    train, test = sum(share.train for share in shares), sum(share.test for share in shares)
    assert train + test == specimens
    assert train == round(specimens * 2082 / 4432)
    assert sum(share.val for share in shares) == test // 2
    for share in shares:
        stratum = share.stratum
        assert share.train >= (stratum.least_train if stratum.train else 0)
        assert share.test >= stratum.least_test
        assert stratum.least_val <= share.val <= share.test
        assert (share.train == 0) == (stratum.train == 0)
        assert len(share.train_records) == share.train
        assert len(share.test_records) == share.test
    minor = [share for share in shares if share.stratum.hybrid and share.stratum.indicator == "minor"]
    assert sum(share.test for share in minor) >= 8
    assert sum(share.val for share in minor) >= 4


def test_too_few_specimens_say_how_many_are_enough():
    enough = least_specimens()
    assert scale(enough)
    with pytest.raises(SimulationError, match=f"ask for at least {enough}"):
        scale(enough - 1)


def test_one_signal_cross_alone_is_in_training():
    trained = {stratum.name for stratum in STRATA if stratum.hybrid and stratum.train}
    assert trained == {"notabilis x lativitta"}
    assert all(TAXA[name].species == "A" for stratum in STRATA if stratum.train for name in stratum.parents)


def test_the_record_gives_the_label_away_as_officially():
    slots = plan(1000, seed=3)
    signal = [s for s in slots if s.split == "test" and s.stratum.hybrid and s.stratum.indicator == "major"]
    mimic = [s for s in slots if s.split == "test" and s.stratum.hybrid and s.stratum.indicator == "mimic"]
    plain = [s for s in slots if s.split == "test" and not s.stratum.hybrid]
    batch = FIRST_RECORD + 17

    def share(group):
        return sum(slot.record == batch for slot in group) / len(group)

    assert share(signal) == pytest.approx(0.912, abs=0.03)
    assert share(mimic) == pytest.approx(0.863, abs=0.03)
    assert share(plain) == pytest.approx(0.105, abs=0.03)


def test_strata_are_those_of_the_official_tables(shared):
    folder = shared / "challenge"
    train = pd.read_csv(folder / "butterfly_anomaly_train.csv")
    names = {float(taxon.code): name for name, taxon in TAXA.items() if taxon.code is not None}
    classes = train.subspecies.map(names).fillna("notabilis x lativitta").value_counts()
    assert classes.to_dict() == {stratum.name: stratum.train for stratum in STRATA if stratum.train}
    for table, count in (("ref_test.csv", "test"), ("ref_val.csv", "val")):
        rows = pd.read_csv(folder / table).groupby(["subspecies_ref", "ssp_indicator"]).size()
        ours = {(s.name, s.indicator): getattr(s, count) for s in STRATA if getattr(s, count)}
        assert rows.to_dict() == ours


def test_record_counts_are_those_of_the_official_tables(shared):
    folder = shared / "challenge"
    tables = [pd.read_csv(folder / name) for name in ("butterfly_anomaly_train.csv", "ref_test.csv")]
    found = [table.file_url.str.extract(r"record/(\d+)")[0].value_counts() for table in tables]
    # our numbers are invented, in the order of the official ones
    order = sorted(set(found[0].index) | set(found[1].index))
    for counts, kind in zip(found, ("train", "test"), strict=True):
        for number, record in enumerate(order):
            ours = [s for stratum in STRATA for s in stratum.sources if s.record == FIRST_RECORD + number]
            assert sum(getattr(source, kind) for source in ours) == counts.get(record, 0)


def test_numbers_tell_nothing_and_names_are_unique():
    slots = plan(400, seed=1)
    assert len({slot.filename.lower() for slot in slots}) == 400
    assert [slot.number for slot in slots] == list(range(400))
    assert slots != plan(400, seed=2)
    first = [slot.stratum.hybrid for slot in slots[:200]]
    assert 0.1 < sum(first) / len(first) < 0.3
    assert any(slot.ventral and slot.source_name.endswith("_v_whitestandard.JPG") for slot in plan(4432, seed=1))
