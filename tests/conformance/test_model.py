"""Random loads, writes, deletes, rollbacks and reopenings, against a model in plain dicts.

Under Hypothesis's `ci` profile, which it takes by itself where CI is set, every run tries the same sequences.
"""

from __future__ import annotations

import copy
import datetime as dt

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from graph.schema import NODES, RELATIONSHIPS, arrow_schema, is_live
from graph.store import WHOLE_GRAPH, InvalidRows, Scope, StoreError, open_store

# Two ids share their first 16 bytes, one begins like another, one has more bytes than letters.
TITLES = ["tt1", "tt10", "item:a-long-name-1", "item:a-long-name-2", "item:é"]
PEOPLE, CATALOGS, USERS = ["nm1", "nm2"], ["a", "b"], ["u1", "u2", "ü"]
DAYS = [dt.date(2026, 3, day) for day in (1, 2, 3)]
KEYS = ["", "1"]

days = st.none() | st.sampled_from(DAYS)
names = st.none() | st.sampled_from(["x", "λ", "'"])
regions = st.none() | st.lists(st.sampled_from(["US", "DE"]), unique=True)
SCOPES = [
    Scope(catalog, region, on, adult)
    for catalog in (None, WHOLE_GRAPH, *CATALOGS, "c")
    for region in (None, "US", "FR")
    for on in (None, *DAYS)
    for adult in (False, True)
]


def rows(*properties, **columns):
    """Lists of rows with these columns, of which those in `properties` may be left out; each identity once."""
    fixed = {name: columns[name] for name in columns if name not in properties}
    row = st.fixed_dictionaries(fixed, optional={name: columns[name] for name in properties})
    return st.lists(row, min_size=1, max_size=4, unique_by=identity)


def identity(row):
    return row["id"] if "id" in row else (row["head"], row["tail"], row.get("key", ""))


titles = {"id": st.sampled_from(TITLES), "title": names, "is_adult": st.sampled_from([None, False, True])}
people = {"id": st.sampled_from(PEOPLE), "name": names}
catalogs = {"id": st.sampled_from(CATALOGS), "name": names}
users = {"id": st.sampled_from(USERS), "labels": st.none() | st.lists(names.filter(bool), max_size=2)}
directed = {
    "head": st.sampled_from(PEOPLE),
    "tail": st.sampled_from(TITLES),
    "key": st.sampled_from(KEYS),
    "job": names,
}
episodes = {"head": st.sampled_from(TITLES), "tail": st.sampled_from(TITLES), "season": st.none() | st.integers(0, 3)}
offers = {
    "head": st.sampled_from(CATALOGS),
    "tail": st.sampled_from(TITLES),
    "key": st.sampled_from(KEYS),
    "item_id": names,
    "regions": regions,
    "available_from": days,
    "available_until": days,
}
ratings = {
    "head": st.sampled_from(USERS),
    "tail": st.sampled_from(TITLES),
    "key": st.sampled_from(["like", "rating"]),
    "value": st.sampled_from([0.5, 5.0]),
    "timestamp": st.integers(0, 2**40),
}


class Model:
    """What the store should hold: name → identity → properties, the graph apart from what is live."""

    def __init__(self):
        every = (*NODES, *RELATIONSHIPS)
        self.graph = {name: {} for name in every if not is_live(name)}
        self.live = {name: {} for name in every if is_live(name)}

    def of(self, name):
        return (self.live if is_live(name) else self.graph)[name]

    def upsert(self, name, members):
        for row in members:
            blank = dict.fromkeys(arrow_schema(name).names) | ({} if name in NODES else {"key": ""})
            self.of(name).setdefault(identity(row), blank).update(row)

    def fits(self, type_, row):
        kind = RELATIONSHIPS[type_]
        return row["head"] in self.of(kind.head) and row["tail"] in self.of(kind.tail)

    def load(self, tables):
        if any(not is_live(name) for name in tables):
            self.graph = {name: {} for name in self.graph}
        for catalog in tables.get("Catalog", ()):
            for key in [key for key in self.live["OFFERS"] if key[0] == catalog["id"]]:
                del self.live["OFFERS"][key]
        for name, members in tables.items():
            self.upsert(name, members)

    def holding(self, type_):
        """The relationships whose ends are both there: a title that a later graph lacks keeps its feedback unseen."""
        return [row for row in self.of(type_).values() if self.fits(type_, row)]

    def offered(self, scope):
        """Title → the items by which it is in scope."""
        found = {}
        for id_, title in self.graph["Title"].items():
            if title["is_adult"] and not scope.adult:
                continue
            items = [row["item_id"] for row in self.live["OFFERS"].values() if row["tail"] == id_ and opens(row, scope)]
            if items or scope.catalog == WHOLE_GRAPH:
                found[id_] = items or [None]
        return found


def opens(offer, scope):
    return (
        scope.catalog in (None, offer["head"])
        and (scope.region is None or not offer["regions"] or scope.region in offer["regions"])
        and (scope.on is None or (offer["available_from"] or dt.date.min) <= scope.on)
        and (scope.on is None or scope.on <= (offer["available_until"] or dt.date.max))
    )


class StoreMachine(RuleBasedStateMachine):
    def __init__(self, url, make_tables, step, contents):
        super().__init__()
        self.make_tables, self.step, self.contents = make_tables, step, contents
        self.store = open_store(url, create=True)
        self.model = Model()
        self.versions = {}  # name → the graph of that version, in the order in which they were made

    def teardown(self):
        self.store.close()

    def made_version(self):
        self.versions[self.store.info().version] = copy.deepcopy(self.model.graph)

    @initialize(adult=st.sampled_from(TITLES))
    def begin(self, adult):
        nodes = {"Title": TITLES, "Person": PEOPLE, "Catalog": CATALOGS, "User": USERS}
        tables = {label: [{"id": id_} for id_ in ids] for label, ids in nodes.items()}
        tables["Title"][TITLES.index(adult)]["is_adult"] = True
        self.store.load_tables(self.make_tables(tables))
        self.model.load(tables)
        self.made_version()

    # Writes

    def upsert(self, name, members):
        if name in NODES:
            assert self.store.upsert_nodes(name, members) == len(members)
        elif all(self.model.fits(name, row) for row in members):
            assert self.store.upsert_relationships(name, members) == len(members)
        else:
            with pytest.raises(InvalidRows):
                self.store.upsert_relationships(name, members)
            return
        self.model.upsert(name, members)
        if not is_live(name):
            self.made_version()

    @rule(
        titles=rows(**titles), people=rows(**people), directed=rows("job", **directed), episodes=rows(**episodes),
        live=st.booleans(), catalogs=rows(**catalogs), users=rows(**users), offers=rows(**offers),
        ratings=rows(**ratings),
    )  # fmt: skip
    def load(self, titles, people, directed, episodes, live, catalogs, users, offers, ratings):
        loading = Model()
        tables = {"Title": titles, "Person": people}
        loading.load(tables)
        for type_, members in (("DIRECTED", directed), ("EPISODE_OF", episodes)):
            tables[type_] = [row for row in members if loading.fits(type_, row)]
        if live:
            tables |= {"Catalog": catalogs, "User": users}
            loading.load(tables)
            for type_, members in (("OFFERS", offers), ("RATED", ratings)):
                tables[type_] = [row for row in members if loading.fits(type_, row)]
        version = self.store.load_tables(self.make_tables(tables))
        assert version == self.store.info().version
        self.model.load(tables)
        self.made_version()

    @rule(titles=rows("title", "is_adult", **titles))
    def upsert_titles(self, titles):
        self.upsert("Title", titles)

    @rule(directed=rows("job", "key", **directed))
    def upsert_directed(self, directed):
        self.upsert("DIRECTED", directed)

    @rule(catalogs=rows("name", **catalogs), users=rows("labels", **users))
    def upsert_live_nodes(self, catalogs, users):
        self.upsert("Catalog", catalogs)
        self.upsert("User", users)

    @rule(offers=rows("key", "item_id", "regions", "available_from", "available_until", **offers))
    def upsert_offers(self, offers):
        self.upsert("OFFERS", offers)

    @rule(ratings=rows("value", "timestamp", **ratings))
    def upsert_ratings(self, ratings):
        self.upsert("RATED", ratings)

    @rule(
        gone=st.sampled_from(
            [("Catalog", "OFFERS", id_) for id_ in CATALOGS] + [("User", "RATED", id_) for id_ in USERS]
        )
    )
    def delete_node(self, gone):
        label, type_, id_ = gone
        assert self.store.delete_nodes(label, [id_]) == (self.model.live[label].pop(id_, None) is not None)
        self.model.live[type_] = {key: row for key, row in self.model.live[type_].items() if key[0] != id_}

    @rule(offers=rows("key", **offers), ratings=rows(**ratings))
    def delete_relationships(self, offers, ratings):
        for type_, members in (("OFFERS", offers), ("RATED", ratings)):
            held = self.model.live[type_]
            ends = [{end: row[end] for end in ("head", "tail", "key") if end in row} for row in members]
            assert self.store.delete_relationships(type_, ends) == len([row for row in ends if identity(row) in held])
            for row in ends:
                held.pop(identity(row), None)

    # Versions

    @rule(named=st.booleans(), data=st.data())
    def rollback(self, named, data):
        info = self.store.info()
        kept = [name for name in self.versions if name in info.versions]
        earlier = kept[: kept.index(info.version)] if info.version in kept else []
        if named and kept:
            to = data.draw(st.sampled_from(kept))
            assert self.store.rollback(to) == to
        elif earlier:
            to = self.store.rollback()
            assert to in earlier
        else:
            with pytest.raises(StoreError):
                self.store.rollback()
            return
        assert self.store.info().version == to
        self.model.graph = copy.deepcopy(self.versions[to])

    @rule()
    def reopen(self):
        self.store.close()
        self.store = open_store(self.store.url)

    # Reads

    @invariant()
    def holds_what_the_model_holds(self):
        held = self.contents(self.store)
        for name in (*NODES, *RELATIONSHIPS):
            found = {identity(row): row for row in held.get(name, [])}
            assert len(found) == len(held.get(name, []))
            if name in RELATIONSHIPS:
                found = {key: row for key, row in found.items() if self.model.fits(name, row)}
                assert found == {identity(row): row for row in self.model.holding(name)}
            else:
                assert found == self.model.of(name)
                assert list(found) == sorted(found)

    @invariant()
    def counts_what_the_model_holds(self):
        counts = self.store.info().counts
        for name in (*NODES, *RELATIONSHIPS):
            assert counts.get(name, 0) in {len(self.model.of(name))} | (
                {len(self.model.holding(name))} if name in RELATIONSHIPS else set()
            )

    @rule(
        ids=st.lists(st.sampled_from([*TITLES, "item:a-long-name-3", "tt"])), label=st.sampled_from(["Title", "User"])
    )
    def get_nodes(self, ids, label):
        held = self.model.of(label)
        assert self.store.get_nodes(label, ids).to_pylist() == [held[id_] for id_ in ids if id_ in held]

    @rule()
    def offered(self):
        for scope in SCOPES:
            expected = self.model.offered(scope)
            table = self.store.offered(scope).to_pydict()
            assert table["id"] == sorted(expected)
            assert all(item in expected[id_] for id_, item in zip(table["id"], table["item_id"], strict=True))

    @rule(
        scope=st.none() | st.sampled_from(SCOPES),
        ids=st.lists(st.sampled_from([*TITLES, *PEOPLE, *USERS, *CATALOGS]), max_size=6),
        types=st.lists(st.sampled_from(["DIRECTED", "RATED", "EPISODE_OF", "OFFERS"]), unique=True, min_size=1),
        direction=st.sampled_from(["out", "in"]),
    )
    def neighbours(self, scope, ids, types, direction):
        near, far = ("head", "tail") if direction == "out" else ("tail", "head")
        if direction == "in" and scope is not None:
            types = ["EPISODE_OF"]  # the one type whose neighbours are titles this way
        # A step along a type that the graph lacks has a test of its own.
        types = [type_ for type_ in types if is_live(type_) or self.model.graph[type_]]
        inside = None if scope is None else self.model.offered(scope)
        expected = [
            (place, type_, row[far], row["key"], row.get("job"))
            for type_ in types
            for place, id_ in enumerate(ids)
            for row in self.model.holding(type_)
            if row[near] == id_ and (inside is None or row[far] in inside)
        ]
        found = self.step(self.store, ids, types, direction, within=scope, properties=["job"])
        fitting = [row for row in found if self.model.fits(row[1], {near: ids[row[0]], far: row[2]})]
        assert sorted(fitting, key=repr) == sorted(expected, key=repr)
        if scope is None:
            sources = [row[0] for row in found]
            degrees = self.store.degrees(ids, types, direction).tolist()
            assert degrees == [sources.count(place) for place in range(len(ids))]


def test_the_store_does_what_the_model_does(fresh_url, make_tables, step, contents):
    run_state_machine_as_test(
        lambda: StoreMachine(fresh_url(), make_tables, step, contents),
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
