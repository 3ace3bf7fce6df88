"""Beginning and ending a trial, for whoever asks: the API and the console alike."""

from penchant.errors import ConfigError
from penchant.service.state import State
from penchant.service.trial import Trial
from penchant.service.trials import BEGUN, ENDED


def begin(service: State, who: str, name: str, version: str, share: float) -> Trial:
    """Let a second build answer a share of the members.

    Args:
        service: whose builds.
        who: asks for it.
        name: of the trial; one that members were shown answers under before is not taken again, since their exposures
            would count for both.
        version: of the build on trial.
        share: of the members whom it answers.

    Raises:
        ConfigError: the build answers already, the name was used, or the name or the share has no meaning.
        NotBuiltError: there is no such build.
        ArtifactError: it is damaged.
        StorageError: the store is out of reach.
    """
    with service.changing:
        service.workspace.build(version)
        if name in (used := service.exposures.names()):
            raise ConfigError(
                f"a trial {name!r} has run before, and what its members did would count for this one too; take a name "
                f"other than {', '.join(sorted(used))}"
            )
        service.audit.add(who, BEGUN, name, details={"build": version, "share": share})
        before = service.builds.trial
        begun = service.builds.begin_trial(name, version, share, service.whole())
        if before is not None and before.name != name:
            # It has taken the place of one that ran.
            service.audit.add(who, ENDED, before.name)
        return begun


def end(service: State, who: str) -> Trial:
    """Let the current build answer everybody again; what the trial showed stays.

    Raises:
        NotBuiltError: there is no trial.
        StorageError: the store is out of reach; the trial goes on.
    """
    with service.changing:
        if service.builds.trial is not None:
            service.audit.add(who, ENDED, service.builds.trial.name)
        return service.builds.end_trial()
