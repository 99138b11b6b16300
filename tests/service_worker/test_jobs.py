"""Job queues."""

from swproxy.errors import InvalidInput, SwproxyError
from swproxy.service_worker.jobs import JOB_LIMIT, Job, JobQueues, JobType

SCOPE = "https://a.test/"


def test_jobs_of_a_scope_run_one_after_the_other() -> None:
    """The next job starts when the one before has finished; other scopes do not wait."""
    ran: list[Job] = []
    queues = JobQueues(ran.append)
    first = Job(JobType.REGISTER, SCOPE, "https://a.test/1.js")
    second = Job(JobType.REGISTER, SCOPE, "https://a.test/2.js")
    other = Job(JobType.REGISTER, "https://b.test/", "https://b.test/1.js")
    for job in (first, second, other):
        queues.schedule_job(job)
    assert ran == [first, other]
    queues.finish_job(first)
    assert ran == [first, other, second]


def test_an_equivalent_job_joins_the_one_that_waits() -> None:
    """Its promise settles with the first one's."""
    ran: list[Job] = []
    queues = JobQueues(ran.append)
    first = Job(JobType.UPDATE, SCOPE, "https://a.test/1.js")
    same = Job(JobType.UPDATE, SCOPE, "https://a.test/1.js")
    queues.schedule_job(first)
    queues.schedule_job(same)
    first.resolve("registration")
    first.finish_installation(None)
    queues.finish_job(first)
    assert ran == [first]
    assert same.promise.value == "registration"
    assert same.installed.settled


def test_no_job_joins_a_settled_one() -> None:
    """Once the promise of the last job has settled, a job of the same kind is run again."""
    ran: list[Job] = []
    queues = JobQueues(ran.append)
    first = Job(JobType.UPDATE, SCOPE, "https://a.test/1.js")
    queues.schedule_job(first)
    first.resolve(None)
    again = Job(JobType.UPDATE, SCOPE, "https://a.test/1.js")
    queues.schedule_job(again)
    queues.finish_job(first)
    assert ran == [first, again]


def test_no_forced_job_joins_one_that_may_find_nothing_new() -> None:
    """Nor the other way round."""
    job, forced = (Job(JobType.UPDATE, SCOPE, force_install=force) for force in (False, True))
    assert not job.is_equivalent(forced)
    assert not forced.is_equivalent(job)
    assert forced.is_equivalent(forced)


def test_a_rejection_reaches_everybody() -> None:
    """Both promises of a job and of its equivalents are rejected, once."""
    job, same = Job(JobType.UPDATE, SCOPE), Job(JobType.UPDATE, SCOPE)
    job.equivalent_jobs.append(same)
    error = InvalidInput("no")
    job.reject(error)
    job.reject(InvalidInput("too late"))
    assert [promise.error for each in (job, same) for promise in (each.promise, each.installed)] == [error] * 4


def test_an_origin_with_too_many_jobs() -> None:
    """More are rejected until some are done, whatever their scopes; other origins have their own."""
    ran: list[Job] = []
    queues = JobQueues(ran.append)
    first, same = Job(JobType.UPDATE, SCOPE), Job(JobType.UPDATE, SCOPE)
    others = [Job(JobType.REGISTER, f"{SCOPE}{number}") for number in range(JOB_LIMIT - 2)]
    for job in (first, same, *others):
        queues.schedule_job(job)
    assert first.equivalent_jobs == [same]
    excess, foreign = Job(JobType.REGISTER, f"{SCOPE}excess"), Job(JobType.REGISTER, "https://b.test/")
    for job in (excess, foreign):
        queues.schedule_job(job)
    assert ran == [first, *others, foreign]
    assert isinstance(excess.promise.error, SwproxyError)
    assert not any(job.promise.settled for job in (first, same, *others))
    queues.finish_job(first)
    again = [Job(JobType.REGISTER, f"{SCOPE}again{number}") for number in range(3)]
    for job in again:
        queues.schedule_job(job)
    assert [job.promise.settled for job in again] == [False, False, True]
    for job in ran[1:]:
        queues.finish_job(job)
    assert not queues._counts


def test_jobs_of_an_origin_are_aborted() -> None:
    """All are rejected, those that joined others, too; the running ones finish before the next one runs."""
    ran: list[Job] = []
    queues = JobQueues(ran.append)
    first, second, joined = (Job(JobType.UPDATE, SCOPE, f"https://a.test/{name}.js") for name in "122")
    elsewhere = Job(JobType.UPDATE, f"{SCOPE}app/")
    foreign = Job(JobType.UPDATE, "https://b.test/")
    for job in (first, second, joined, elsewhere, foreign):
        queues.schedule_job(job)
    error = SwproxyError("cleared")
    assert queues.abort("https://a.test", error) == [first, elsewhere]
    assert [job.promise.error for job in (first, second, joined, elsewhere, foreign)] == [error] * 4 + [None]
    later = Job(JobType.UPDATE, SCOPE, "https://a.test/1.js")
    queues.schedule_job(later)
    assert later not in ran
    queues.finish_job(first)
    assert ran == [first, elsewhere, foreign, later]
    for job in (elsewhere, foreign, later):
        queues.finish_job(job)
    assert not queues._counts
