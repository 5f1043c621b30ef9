"""Values of many libraries: equal content has one hash, other content another."""

from __future__ import annotations

import pytest
from tests.core.values.processes import in_processes
from tests.core.values.zoo import NOT_COPIED, ZOO, copied
from tests.core.values.zoo_python import digest


@pytest.mark.parametrize("name", ZOO)
def test_the_same_content_has_the_same_hash(name: str) -> None:
    """However it was made, laid out, shared among what never changes, or used."""
    assert digest(ZOO[name].one()) == digest(ZOO[name].one()) == digest(ZOO[name].same())


@pytest.mark.parametrize("name", ZOO)
def test_another_content_has_another_hash(name: str) -> None:
    """One that a function could tell from the first."""
    assert digest(ZOO[name].one()) != digest(ZOO[name].other())


@pytest.mark.parametrize("name", sorted(ZOO.keys() - NOT_COPIED))
def test_a_copy_has_the_same_hash(name: str) -> None:
    """By `copy.deepcopy`."""
    value = ZOO[name].one()
    assert digest(copied(value)) == digest(value)


@pytest.mark.slow
def test_every_process_finds_the_same_hashes() -> None:
    """Whatever order sets have there."""
    script = "import runpy; runpy.run_module('tests.core.values.zoo', run_name='__main__')"
    assert len(in_processes(script)) == 1


def test_the_zoo_is_large() -> None:
    """Of each library that people pass around in pipelines."""
    assert len(ZOO) >= 150
