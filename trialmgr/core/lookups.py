"""Questions to the database that Django has no word for."""

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import Field, Lookup


class AnyOf(Lookup):
    """Like `in`, with all values as one array: a statement takes no more than 65,535 values, an array any number."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        field, params = self.process_lhs(compiler, connection)
        prepare = self.lhs.output_field.get_db_prep_value
        return f"{field} = ANY(%s)", [*params, [prepare(value, connection) for value in self.rhs]]


class HasWords(Lookup):
    """Whether a text search vector holds, for every one of these words, a word that begins so."""

    lookup_name = "has_words"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} @@ %s::tsquery", [*params, " & ".join(f"'{word}':*" for word in self.rhs)]


def register() -> None:
    Field.register_lookup(AnyOf)
    SearchVectorField.register_lookup(HasWords)
