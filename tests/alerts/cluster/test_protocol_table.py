"""The protocol does in every state what its table says, and the table has every role."""

import pytest

from alerts.role import Role
from tests.alerts.cluster.protocol_table import TABLE, Row


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.state}: {row.event}")
def test_each_row_of_the_table_is_what_the_code_does(row: Row) -> None:
    assert (row.found.role, row.found.owner) == (row.role, row.follows)


def test_the_table_has_every_role_and_no_row_twice() -> None:
    assert {row.role for row in TABLE} == set(Role)
    assert len({(row.state, row.event) for row in TABLE}) == len(TABLE)
