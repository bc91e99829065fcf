"""Every column of every model says whether it tells of a person."""

import pytest
from django.apps import apps

OURS = ("core", "protocol", "participants", "randomization", "coaching", "mailing", "monitoring")
MODELS = [model for label in OURS for model in apps.get_app_config(label).get_models()]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_column_is_classified(model):
    scrub, keep = set(model.Privacy.scrub), set(model.Privacy.keep)
    assert not scrub & keep
    assert scrub | keep == {field.name for field in model._meta.concrete_fields}


def test_names_addresses_and_free_text_are_never_kept():
    telling = {
        "first_name",
        "infix",
        "surname",
        "email",
        "phone",
        "street",
        "postcode",
        "city",
        "note",
        "born_on",
        "pid",
    }
    kept = {(model._meta.label, name) for model in MODELS for name in set(model.Privacy.keep) & telling}
    assert kept == set()
