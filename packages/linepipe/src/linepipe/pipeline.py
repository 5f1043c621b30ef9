"""``linepipe.pipeline``: Pipeline and its runs, from linepipe_core."""

from linepipe_core import Pipeline, Run, RunResult, Step

__all__ = ["Pipeline", "Run", "RunResult", "Step"]
