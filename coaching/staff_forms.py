"""The form by which a project leader adds somebody."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from trialmgr.core.access import GIVEN_BY_LEADERS
from trialmgr.core.staffing import Post


class StaffForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(
        label=_("Role"), choices=[(role.value, role.label) for role in GIVEN_BY_LEADERS], widget=forms.RadioSelect
    )
    site = forms.ChoiceField(label=_("Site"), required=False)
    phone = forms.CharField(
        label=_("Your telephone number"),
        max_length=30,
        required=False,
        help_text=_("Stands in the mail, for questions. Your name and e-mail address do too."),
    )

    def __init__(self, *args: Any, sites: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = sites
        self.fields["site"].required = "" not in dict(sites)
        if len(sites) == 1:
            self.fields["site"].widget = forms.HiddenInput()
            self.fields["site"].initial = sites[0][0]

    def post(self, trial: str) -> Post:
        return Post(self.cleaned_data["role"], trial, self.cleaned_data["site"])
