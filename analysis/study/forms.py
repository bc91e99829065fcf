"""Forms of the research side: why a run is asked for, refused, withdrawn or opened early."""

from django import forms
from django.utils.translation import gettext_lazy as _

LONGEST = 500


def _lines() -> forms.Textarea:
    return forms.Textarea(attrs={"rows": 2})


class PurposeForm(forms.Form):
    purpose = forms.CharField(label=_("What is this run for?"), max_length=LONGEST, widget=_lines())


class GroundForm(forms.Form):
    ground = forms.CharField(label=_("Ground: who decided this, and when"), max_length=LONGEST, widget=_lines())


class ReasonForm(forms.Form):
    """Why a run does not go on."""

    prefix = "end"

    reason = forms.CharField(label=_("Reason, kept with the run"), max_length=LONGEST, widget=_lines())
