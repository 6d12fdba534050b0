"""Writes each task's result as a line of JSON into the file that $ETCD_PKI_TEST_RESULTS names."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: notification
short_description: results as lines of JSON
description: For the tests of etcd_pki.core.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "results"

    def _write(self, result, failed=False):
        # Private in ansible-core 2.18, public in newer versions
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        facts = getattr(result, "result", None) or result._result
        line = dict(facts, task=task.get_name(), host=host.get_name(), failed=failed)
        with open(os.environ["ETCD_PKI_TEST_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._write(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write(result, failed=True)

    def v2_runner_on_unreachable(self, result):
        self._write(result, failed=True)
