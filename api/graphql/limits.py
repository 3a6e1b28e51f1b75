"""What a query may cost, found before it runs: depth, fields, aliases, and nodes.

One walk over the document finds all of them. Fragments are walked once each, whatever spreads them: limiters that
expand them (strawberry's own of depth and aliases do) need time exponential in the length of a document in which each
fragment spreads the next one twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    get_named_type,
    value_from_ast_untyped,
)
from strawberry.extensions import SchemaExtension

from api.graphql.inputs import MOST
from api.settings import Settings
from graph.match import CHOICES

QUESTIONS: Mapping[str, int] = {
    "titles": 50,
    "people": 50,
    "search": 100,
    "similar": 100,
    "substitutes": 100,
    "path": 500,
}
"""Fields that cost more than the nodes that they answer: as much as so many nodes besides."""
PER_LIST = 10
"""As many nodes a list is taken to have that is not asked for by `first`."""
_LONG_LISTS = {("Query", "genres"): 30}


@dataclass(frozen=True)
class Limits:
    """What one query may ask for.

    depth: levels of nodes, `edges` and `node` not counted. fields: in all, with those of fragments. cost: nodes, as
    many as could be answered. tokens: words and signs of the document. seconds: how long it may take, once it runs.
    """

    depth: int = 8
    fields: int = 200
    aliases: int = 15
    cost: int = 10_000
    tokens: int = 2_000
    introspection: bool = True
    seconds: float | None = None

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Those that the settings say."""
        return cls(
            depth=settings.graphql_depth,
            fields=settings.graphql_fields,
            aliases=settings.graphql_aliases,
            cost=settings.graphql_cost,
            introspection=settings.graphql_introspection,
            seconds=settings.request_seconds,
        )


@dataclass(frozen=True)
class Measured:
    """What a part of a query asks for."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    cost: int = 0

    def __add__(self, other: Measured) -> Measured:
        return Measured(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.cost + other.cost,
        )


class CostLimiter(SchemaExtension):
    """Refuses a document that asks for more than the limits, or has several operations."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def on_operation(self) -> Iterator[None]:
        """Add the rule, which knows the variables' values."""
        limits, variables = self._limits, self.execution_context.variables or {}

        class Limited(ASTValidationRule):
            def __init__(self, context: ValidationContext) -> None:
                super().__init__(context)
                for message in faults(context, limits, variables):
                    context.report_error(GraphQLError(message))

        self.execution_context.validation_rules = (*self.execution_context.validation_rules, Limited)
        yield


def faults(context: ValidationContext, limits: Limits, variables: Mapping[str, Any]) -> Iterator[str]:
    """What is too much about a document, in words."""
    operations = sum(isinstance(one, OperationDefinitionNode) for one in context.document.definitions)
    if operations > 1:
        yield f"the document has {operations} operations; send one at a time"
        return
    asked = measure(context.schema, context.document, limits, variables)
    if asked.depth > limits.depth:
        yield f"the query is more than {limits.depth} levels deep"
    if asked.fields > limits.fields:
        yield f"the query has {asked.fields:,} fields; the limit is {limits.fields}"
    if asked.aliases > limits.aliases:
        yield f"the query has {asked.aliases:,} aliases; the limit is {limits.aliases}"
    if asked.cost > limits.cost:
        yield f"the query could cost {asked.cost:,} nodes; the limit is {limits.cost:,}: ask for fewer with `first`"


def measure(schema: GraphQLSchema, document: DocumentNode, limits: Limits, variables: Mapping[str, Any]) -> Measured:
    """What the operations of a document ask for. What is deeper than the limit is not walked to its end."""
    walk = _Walk(schema, document, limits, variables)
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    return sum((walk.of(one) for one in operations), Measured())


class _Walk:
    """Measures one operation. Not yet validated: what does not fit the schema counts as a field and no more."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, limits: Limits, variables: Mapping[str, Any]
    ) -> None:
        self._schema, self._variables = schema, dict(variables)
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measured] = {}
        # Each level of nodes is up to three of selections; deeper ones are not walked, for Python's stack has an end.
        self._deepest, self._too_deep = 3 * limits.depth + 3, Measured(depth=limits.depth + 1)

    def of(self, operation: OperationDefinitionNode) -> Measured:
        for variable in operation.variable_definitions or ():
            if variable.default_value is not None:
                default = value_from_ast_untyped(variable.default_value)
                self._variables.setdefault(variable.variable.name.value, default)
        return self._selections(operation.selection_set, self._schema.get_root_type(operation.operation), 0)

    def _selections(self, selections: SelectionSetNode, parent: Any, nesting: int) -> Measured:
        if nesting > self._deepest:
            return self._too_deep
        total = Measured()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, parent, nesting)
            elif isinstance(node, InlineFragmentNode):
                on = self._schema.get_type(node.type_condition.name.value) if node.type_condition else parent
                total += self._selections(node.selection_set, on, nesting)
            elif isinstance(node, FragmentSpreadNode):
                total += self._fragment(node.name.value, nesting)
        return total

    def _fragment(self, name: str, nesting: int) -> Measured:
        fragment = self._fragments.get(name)
        if fragment is None:
            return Measured()
        if name not in self._measured:
            self._measured[name] = Measured()  # in a circle, which validation refuses, it counts no more
            on = self._schema.get_type(fragment.type_condition.name.value)
            self._measured[name] = self._selections(fragment.selection_set, on, nesting)
        return self._measured[name]

    def _field(self, node: FieldNode, parent: Any, nesting: int) -> Measured:
        name, itself = node.name.value, Measured(fields=1, aliases=int(node.alias is not None))
        field = getattr(parent, "fields", {}).get(name)
        if field is None or node.selection_set is None:
            return itself
        below = self._selections(node.selection_set, get_named_type(field.type), nesting + 1)
        if _is_counted(parent.name, name):
            return itself + below
        times = self._first(node, field)
        if times is None:
            times = _LONG_LISTS.get((parent.name, name), PER_LIST) if _is_list(field) else 1
        if name == "search":
            times = max(times, CHOICES)
        cost = QUESTIONS.get(name, 0) + times * (1 + below.cost)
        return itself + Measured(below.depth + 1, below.fields, below.aliases, cost)

    def _first(self, node: FieldNode, field: GraphQLField) -> int | None:
        """How many nodes a field asks for; None where it has no such argument. What is no number counts as MOST."""
        if "first" not in field.args:
            return None
        value = field.args["first"].default_value
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = value_from_ast_untyped(argument.value, self._variables)
        return max(value, 0) if isinstance(value, int) else MOST


def _is_counted(parent: str, name: str) -> bool:
    """Whether a field holds nodes that the one above has counted."""
    of_page = parent.endswith("Connection") or (parent.endswith(("Edge", "EpisodeOf")) and name == "node")
    return of_page or (parent, name) == ("SearchAnswer", "hits")


def _is_list(field: GraphQLField) -> bool:
    inner = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    return isinstance(inner, GraphQLList)
