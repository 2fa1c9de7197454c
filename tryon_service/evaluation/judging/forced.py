"""A picture whatever the verdict: judges must also see what the verdict refuses, or its refusals go unchecked."""

from __future__ import annotations

from dataclasses import dataclass

from tryon_service.errors import RefusedError
from tryon_service.pipeline import STEPS, Job, Pipeline, RenderRequest
from tryon_service.types import Reason, UInt8Array, Verdict


@dataclass(frozen=True)
class Forced:
    """job: with every step's result; verdict: what the pipeline would have answered."""

    job: Job
    verdict: Verdict

    @property
    def picture(self) -> UInt8Array:
        """H x W x 3 uint8, or x 4 where the background is transparent."""
        assert self.job.picture is not None
        return self.job.picture


def forced(pipeline: Pipeline, request: RenderRequest) -> Forced:
    """Run the pipeline's steps with the refusal of `check` noted instead of raised.

    Raises RefusedError where no picture can be made at all, and InputError.
    """
    job = Job(request)
    refusal: tuple[Reason, ...] = ()
    for name, step in STEPS:
        try:
            step(pipeline, job)
        except RefusedError as error:
            if name != "check":
                raise
            refusal = error.reasons
    assert job.verdict is not None
    verdict = Verdict("refused", (*refusal, *job.verdict.reasons), job.verdict.scores) if refusal else job.verdict
    return Forced(job, verdict)
