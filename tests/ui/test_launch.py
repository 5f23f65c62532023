"""What holds for the server's process as a whole."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from hsi_studio.ui.launch import one_thread_a_product


def test_products_of_two_users_do_not_wait_for_each_others_threads() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2, user_api="blas"):  # and what was set before is set again after the test
        one_thread_a_product()
        assert {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"} == {1}
