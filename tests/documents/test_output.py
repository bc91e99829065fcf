"""Files that commands write."""

import pytest

from trialmgr.core.errors import BadInput
from trialmgr.core.output import write_whole


def test_a_folder_in_place_of_a_file_is_told_and_left_alone(tmp_path):
    with pytest.raises(BadInput, match="is a folder: add the name of the file"):
        write_whole(tmp_path, "x")
    assert list(tmp_path.iterdir()) == []
