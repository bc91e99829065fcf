"""The wild cluster bootstrap against R's whole fits (reference/clusters.R), and the intra-cluster correlation."""

import pytest

PLAN = {"data": {"arm": "arm", "control": "A", "cluster": "g"}}
WILD = {"method": "wild_cluster_bootstrap", "outcome": "y", "covariates": ["x"]}


def test_all_sign_vectors_agree_with_whole_fits(analyse, reference, row):
    found = analyse("clusters.csv", plan=PLAN, **WILD)
    assert found["details"]["draws"] == 2**10
    for key, value in reference("clusters.json")["wild"].items():
        assert row(found, term="B")[key] == pytest.approx(value, rel=1e-6), key


def test_random_signs_are_near_all_signs_and_the_same_again(analyse, reference, row):
    keys = {**WILD, "signs": "webb", "draws": 4999, "seed": 3}
    found = analyse("clusters.csv", plan=PLAN, **keys)
    assert row(found, term="B")["p_value"] == pytest.approx(reference("clusters.json")["wild"]["p_value"], abs=0.03)
    assert analyse("clusters.csv", plan=PLAN, **keys) == found


def test_intra_cluster_correlation(analyse, reference, row):
    found = analyse("clusters.csv", plan=PLAN, method="icc", outcome="y")
    expected = reference("clusters.json")
    for key, value in expected["icc"].items():
        assert row(found, term="icc")[key] == pytest.approx(value, rel=1e-6)
    assert found["details"]["cluster_size"] == pytest.approx(expected["size"])
    assert found["details"]["design_effect"] == pytest.approx(expected["effect"])


def test_one_cluster_in_an_arm_is_refused(analyse):
    data = {"arm": list("AAAABB"), "g": [1, 1, 2, 2, 3, 3], "y": [1.0, 2, 4, 3, 7, 5]}
    for method in ("ols", "wild_cluster_bootstrap", "difference_in_means"):
        found = analyse(data, plan=PLAN, method=method, outcome="y")
        assert "the arm 'B' has only one cluster of 'g'" in found["refused"]
