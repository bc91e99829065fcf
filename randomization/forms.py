"""Forms of the draw: types and words; the services decide."""

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from participants.forms import DayField
from trialmgr.protocol.schema import Protocol


class RequestForm(forms.Form):
    round = forms.ChoiceField(label=_("Recruitment round"))
    event = forms.CharField(
        label=_("Public event"),
        max_length=20,
        help_text=_(
            "The number of the event to come, at least a day ahead: a drand round, or the day of the dice as 20180312. "
            "Each draw has an event of its own."
        ),
    )
    event_on = DayField(
        label=_("Day of the event"),
        initial=None,
        help_text=_("Published with the list. The number can be entered from this day on."),
    )
    source = forms.CharField(
        label=_("Where and how the number is made"),
        max_length=500,
        help_text=_(
            "Published with the list. For instance: round 5400000 of drand, as on its public pages; or who throws "
            "which dice where and when, and who may come and look."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: object, protocol: Protocol, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "nl"
        self.fields["round"].choices = [(one.code, one.name.text(language)) for one in protocol.rounds]


class BeaconForm(forms.Form):
    beacon = forms.CharField(
        label=_("Public number"),
        max_length=200,
        help_text=_("The number of the event, a colon, and 64 digits 0-9 and a-f. Spaces and capitals do not matter."),
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )


class EntryForm(BeaconForm):
    evidence = forms.CharField(
        label=_("How the number came about"),
        max_length=1000,
        required=False,
        help_text=_("Published with the number, such as the throws of the dice as they were written down."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label=_("Why this draw is withdrawn"),
        max_length=500,
        help_text=_("Everybody can read this. Name no persons."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
