"""Names for what is expensive: a checksum of all that it rests on."""

import json
from hashlib import sha256
from typing import Any


def digest(*parts: Any) -> str:
    """A short checksum of anything that JSON can say."""
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
