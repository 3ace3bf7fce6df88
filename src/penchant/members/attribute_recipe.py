"""A classifier for one attribute of a build's members: fitted once, then read back."""

import hashlib
import json
import re
from pathlib import Path
from typing import Final

from penchant.artifacts import write_atomically
from penchant.data.community import Community
from penchant.errors import ArtifactError
from penchant.members.classifier import ClassifierConfig, MemberClassifier
from penchant.text.encoder import Encoder
from penchant.training.options import Options

FOLDER: Final = "classifiers"
_MADE_FROM: Final = "made_from.json"


def train_attribute(
    community: Community,
    name: str,
    config: ClassifierConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder,
    home: Path | None = None,
) -> MemberClassifier:
    """Fit a classifier, or read back the one that was fitted on the same events with the same settings.

    Args:
        community: whose members table holds the attribute.
        name: the attribute.
        config: how it is learned.
        options: seed and run conditions.
        encoder: of the texts.
        home: a workspace's folder to keep it in; None keeps nothing.

    Raises:
        ConfigError: the attribute is sensitive and not allowed by name, or has too many values.
        ColumnError: members have no such attribute.
        TooLittleDataError: fewer than two classes have enough members.
    """
    config, options = config or ClassifierConfig(), options or Options()
    model = MemberClassifier(config)
    # A refusal comes first, also where somebody was allowed before.
    model.require_allowed(name)
    if home is None:
        return model.fit(community, name, options, encoder=encoder)
    parts = [community.fingerprint("members", "items", "events"), config.model_dump_json(), encoder.name, options.seed]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    slug = re.sub(r"\W+", "-", name).strip("-") or "attribute"
    folder = home / FOLDER / f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    try:
        if json.loads((folder / _MADE_FROM).read_bytes())["key"] == key:
            return MemberClassifier.load(folder, encoder=encoder)
    except (OSError, ValueError, KeyError, ArtifactError):
        pass
    model.fit(community, name, options, encoder=encoder)
    model.save(folder)
    write_atomically(folder / _MADE_FROM, json.dumps({"key": key}).encode())
    return model
