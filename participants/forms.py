"""Forms about people: types and words; the services decide."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from participants.entering import Member
from participants.importing import POSTCODE
from participants.models import ExitReason, HouseholdType, StepKind
from participants.names import UnknownInfix, split_surname
from trialmgr.core import clock
from trialmgr.protocol.schema import Protocol, Purpose


class DayInput(forms.DateInput):
    """The browser's own day picker; without it, a text field that takes 3-4-2018."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class DayField(forms.DateField):
    widget = DayInput

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("initial", clock.today)
        super().__init__(**kwargs)


class PastDayField(DayField):
    """A day that has come."""

    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        if day and day > clock.today():
            raise forms.ValidationError(_("This day has yet to come."))
        return day


class PostcodeField(forms.CharField):
    """A Dutch postcode, kept as 5038 EA."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        found = POSTCODE.fullmatch(text)
        if text and not found:
            raise forms.ValidationError(_("Write a postcode like 5038 EA."))
        return f"{found[1]} {found[2].upper()}" if found else ""


class ReachForm(forms.Form):
    """How a person is reached, and in which language: by mail, or by letters to a whole address."""

    email = forms.EmailField(label=_("E-mail address"), required=False)
    phone = forms.CharField(
        label=_("Telephone"),
        required=False,
        max_length=20,
        validators=[RegexValidator(r"^[+0][0-9 ().-]{8,18}$", _("Write a number like 06-12345678."))],
    )
    street = forms.CharField(label=_("Street and house number"), required=False, max_length=120)
    postcode = PostcodeField(label=_("Postcode"), required=False)
    city = forms.CharField(label=_("Town"), required=False, max_length=80)
    language = forms.ChoiceField(
        label=_("Language of letters and questionnaires"),
        choices=[("nl", "Nederlands"), ("en", "English")],
        initial="nl",  # a partner of whom nothing but this is sent is no partner
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        empty = [name for name in ("street", "postcode", "city") if not data.get(name) and name not in self.errors]
        if 0 < len(empty) < 3:
            self.add_error(empty[0], _("Write the whole address, or leave it empty."))
        return data


class MemberForm(ReachForm):
    """One adult member; the second one of a household may be left empty."""

    field_order = ("client_number", "first_name", "surname", "born_on")
    client_number = forms.CharField(label=_("Client number"), max_length=30)
    first_name = forms.CharField(label=_("First name"), max_length=80)
    surname = forms.CharField(label=_("Surname, with what comes before it"), max_length=100)
    born_on = DayField(label=_("Day of birth"), initial=None)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        try:
            data["infix"], data["surname"] = split_surname("", data.get("surname", ""))
        except UnknownInfix as error:
            text = _("Write the surname only: %(after)s does not come before a surname.")
            self.add_error("surname", forms.ValidationError(text, params={"after": error}))
        return data

    def member(self) -> Member:
        return Member(**self.cleaned_data)


class PartnerForm(MemberForm):
    """The second adult; a list of faults at its top says whose they are."""

    whose = _("Partner")


class HouseholdForm(forms.Form):
    site = forms.ChoiceField(label=_("Site"))
    round = forms.ChoiceField(label=_("Recruitment round"))
    household_type = forms.ChoiceField(label=_("Household"), choices=HouseholdType.choices)
    benefit_since = PastDayField(label=_("Benefit since"), initial=None)
    day = PastDayField(label=_("Signed up on"))

    def __init__(self, *args: Any, protocol: Protocol, sites: set[str] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "nl"
        own = [site for site in protocol.sites if sites is None or site.code in sites]
        self.fields["site"].choices = [(site.code, site.name.text(language)) for site in own]
        self.fields["round"].choices = rounds_of(protocol)


class ChecksForm(forms.Form):
    """A yes or no to every eligibility question of the protocol."""

    day = PastDayField(label=_("Checked on"))

    def __init__(self, *args: Any, protocol: Protocol, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "nl"
        self.codes = [check.code for check in protocol.eligibility]
        for check in protocol.eligibility:
            self.fields[check.code] = yes_or_no(check.question.text(language))

    def answers(self) -> dict[str, bool]:
        return {code: self.cleaned_data[code] == "yes" for code in self.codes}


class ConsentForm(forms.Form):
    """What the person says to each purpose they have not agreed to."""

    day = PastDayField(label=_("Signed on"))
    channel = forms.ChoiceField(label=_("How"), choices=[("paper", _("on paper")), ("online", _("online"))])

    def __init__(self, *args: Any, purposes: Iterable[Purpose], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "nl"
        self.codes: list[str] = []
        for purpose in purposes:
            self.codes.append(purpose.code)
            required = " " + str(_("(needed to take part)")) if purpose.required else ""
            self.fields[purpose.code] = yes_or_no(purpose.text.text(language) + required)

    def purposes(self) -> dict[str, bool]:
        return {code: self.cleaned_data[code] == "yes" for code in self.codes}


class ExitForm(forms.Form):
    day = PastDayField(label=_("Left the benefit on"))
    reason = forms.ChoiceField(label=_("Reason"), choices=ExitReason.choices)
    returned_on = PastDayField(
        label=_("Benefit again since"), required=False, initial=None, help_text=_("Only when it does by now.")
    )


class ReturnForm(forms.Form):
    day = PastDayField(label=_("Benefit again since"))


class StopForm(forms.Form):
    """What a person stops with. No reason is asked. Its ids differ from those of other forms about the person."""

    day = PastDayField(label=_("From"))
    kinds = forms.MultipleChoiceField(
        label=_("The person stops"),
        choices=[
            (StepKind.STOPPED_TREATMENT, _("with the rules of the group")),
            (StepKind.STOPPED_SURVEYS, _("with the questionnaires")),
            (StepKind.WITHDREW_DATA, _("with everything: the data are withdrawn")),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what the person stops with.")},
    )

    def __init__(self, *args: Any, drawn: bool, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="stop_%s", **kwargs)
        if not drawn:
            self.fields["kinds"].choices = self.fields["kinds"].choices[1:]


class ImportForm(forms.Form):
    round = forms.ChoiceField(label=_("Recruitment round"))
    day = PastDayField(label=_("Invited on"))
    file = forms.FileField(
        label=_("File of recipients (CSV)"),
        help_text=_("As the benefit system exports it: comma or semicolon, any order of columns."),
        max_length=200,
        error_messages={"required": _("Choose a file of at most 20 MB.")},  # a larger one is not even received
    )

    def __init__(self, *args: Any, protocol: Protocol, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["round"].choices = rounds_of(protocol)


class SearchForm(forms.Form):
    NO_CONSENT, OFF_BENEFIT = "no_consent", "off_benefit"
    q = forms.CharField(label=_("Name, client number or code"), required=False, max_length=80)
    stage = forms.ChoiceField(
        label=_("Last step, or what else is known"),
        required=False,
        choices=[
            ("", _("all")),
            *StepKind.choices,
            (NO_CONSENT, _("gave no consent")),
            (OFF_BENEFIT, _("left the benefit")),
        ],
    )


def yes_or_no(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("yes", _("Yes")), ("no", _("No"))], widget=forms.RadioSelect)


def rounds_of(protocol: Protocol) -> list[tuple[str, str]]:
    language = get_language() or "nl"
    return [(one.code, one.name.text(language)) for one in protocol.rounds]
