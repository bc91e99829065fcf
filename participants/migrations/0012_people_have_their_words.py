"""Fill the words of who was entered before. It may run again; new people get theirs when they are entered."""

import re
import unicodedata

from django.db import migrations

PART = 2000
PIECE = re.compile(r"[^\W_]+")
QUOTES = str.maketrans("’‘`´", "''''")
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def fill(apps, schema_editor):
    contacts = apps.get_model("participants", "Contact").objects.select_related("person__household").order_by("pk")
    last = 0
    while part := list(contacts.filter(pk__gt=last)[:PART]):
        for contact in part:
            contact.words = findable(contact)
        contacts.bulk_update(part, ["words"])
        last = part[-1].pk


def findable(contact):
    names = contact.first_name, contact.infix, contact.surname
    number, code = contact.person.client_number, contact.person.household.code
    whole = ["".join(PIECE.findall(plain(text))) for text in (number, code)]
    found = {whole[0][at:] for at in range(max(len(whole[0]) - 2, 1))} | {whole[1], whole[1][1:]}
    for text in map(plain, (*names, number, code)):
        found |= {*PIECE.findall(text), *PIECE.findall(text.replace("'", ""))}
    return " ".join(f"'{word}'" for word in sorted(found) if word)


def plain(text):
    folded = unicodedata.normalize("NFKD", text.translate(QUOTES)).casefold().translate(PLAIN)
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


class Migration(migrations.Migration):
    dependencies = [("participants", "0011_words_of_a_person")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
