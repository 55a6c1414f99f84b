"""Tools that make bad files of good ones."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile


def members_of(content: bytes) -> dict[str, bytes]:
    """Return the members of a saved file by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    """Return a zip file of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def forged(content: bytes, change) -> bytes:
    """Change members and make sizes and hashes right again, as somebody with bad intent would."""
    members = members_of(content)
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    manifest["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
    } | manifest.get("extra", {})
    return zip_of(members | {"manifest.json": json.dumps(manifest).encode()})


def forged_state(content: bytes, change) -> bytes:
    """Change the state."""

    def change_members(members, manifest):
        state = json.loads(members["state.json"])
        members["state.json"] = json.dumps(change(state)).encode()

    return forged(content, change_members)
