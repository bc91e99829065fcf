"""The contact form: filled in beforehand, so that most contacts take a few taps."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from coaching.models import Channel, Topic
from coaching.selectors import members_to_meet
from coaching.services import Talk
from participants.forms import DayField, PastDayField
from participants.models import Household
from trialmgr.core.models import User

MINUTES = [(5, "5"), (15, "15"), (30, "30"), (60, "60")]
YES_NO = [("yes", _("Yes")), ("no", _("No, nobody came or answered"))]


class TalkForm(forms.Form):
    """What a coach notes of a contact, filled in beforehand as most contacts are."""

    day = PastDayField(label=_("Day"))
    channel = forms.ChoiceField(label=_("How"), choices=Channel.choices, widget=forms.RadioSelect)
    attended = forms.ChoiceField(label=_("Did it take place?"), choices=YES_NO, initial="yes", widget=forms.RadioSelect)
    by_participant = forms.BooleanField(label=_("The participant asked for it"), required=False)
    minutes = forms.TypedChoiceField(
        label=_("Minutes"), choices=MINUTES, coerce=int, initial=30, widget=forms.RadioSelect
    )
    topics = forms.MultipleChoiceField(
        label=_("About"), choices=Topic.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Agreements in a few words. No medical details."),
    )
    next_on = DayField(label=_("Next contact"), required=False, initial=None)

    def talk(self) -> Talk:
        data = self.cleaned_data
        return Talk(
            day=data["day"],
            channel=data["channel"],
            attended=data["attended"] == "yes",
            by_participant=data["by_participant"],
            minutes=data["minutes"],
            topics=tuple(data["topics"]),
            note=data["note"],
            next_on=data["next_on"],
        )


class ContactForm(TalkForm):
    """A new contact with a member of the household; with the only one, when there is no choice."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    person = forms.ChoiceField(label=_("With"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, household: Household, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(person.pk), str(person.contact)) for person in members_to_meet(household)]
        self.fields["person"].choices = people
        self.fields["person"].initial = people[0][0] if people else None
        if len(people) == 1:
            self.fields["person"].widget = forms.HiddenInput()

    def key_and_person(self) -> tuple[UUID, int]:
        return self.cleaned_data["key"], int(self.cleaned_data["person"])


class CorrectionForm(TalkForm):
    """A contact that was noted; minutes that another office system noted stay as they are."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Why do you change this?"), max_length=200)

    def __init__(self, *args: Any, reason_needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = int(self.initial["minutes"])
        self.fields["minutes"].choices = sorted({*MINUTES, (known, str(known))})
        if not reason_needed:
            del self.fields["reason"]


class VoidForm(forms.Form):
    """Strikes a contact out. Its ids differ from those of the form that corrects it."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Why do you strike this out?"), max_length=200)

    def __init__(self, *args: Any, reason_needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="void_%s", **kwargs)
        if not reason_needed:
            del self.fields["reason"]


class AssignForm(forms.Form):
    coach = forms.ModelChoiceField(label=_("Coach"), queryset=User.objects.none())
    day = DayField(label=_("From"))

    def __init__(self, *args: Any, coaches: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["coach"].queryset = coaches
