"""The version of the products' index in Redis: brought up to date as a whole, refused where it is a later one's.

What was written before versions were counted has none; it is of the form of version 1.
"""

from __future__ import annotations

from typing import Any

import redis

from tryon_service.products.versions import NewerVersionError

STEPS: tuple[str, ...] = ("",)
"""Lua. Each step turns a version into the next, in PREFIX .. name; the first has nothing to change, only to count. A
release that changes the keys or what is in them adds the one that turns the last version into its own. Redis undoes
nothing where a script breaks off, so that a step looks at everything before it writes anything."""

UPGRADE = """
-- KEYS: version. ARGV: prefix of all keys, version found, newest version. Answers the version that is there now. All in
-- one go: what others read meanwhile is the old or the new, and two that want to do it do it once.
local PREFIX, found, newest = ARGV[1], ARGV[2], ARGV[3]
local there = redis.call('GET', KEYS[1]) or '0'
if there ~= found then return there end
if found ~= '0' then
  local copies = PREFIX .. 'copy-of-version-' .. found .. ':'
  for _, key in ipairs(redis.call('KEYS', PREFIX .. '*')) do
    local name = string.sub(key, #PREFIX + 1)
    if string.sub(name, 1, 8) ~= 'copy-of-' then redis.call('COPY', key, copies .. name, 'REPLACE') end
  end
end
{steps}
redis.call('SET', KEYS[1], newest)
return newest
"""


def agree(client: redis.Redis, prefix: str) -> None:
    """Count the index's version, or bring an earlier one up to date: before that, all keys are copied under
    <prefix>copy-of-version-<n>:.

    Raises NewerVersionError, or redis.RedisError.
    """
    key, newest = prefix + "version", len(STEPS)
    answer: Any = client.get(key)
    found = int(answer or 0)
    while found < newest:
        steps = "\n".join(f"do {step} end" for step in STEPS[found:])
        answer = client.eval(UPGRADE.replace("{steps}", steps), 1, key, prefix, str(found), str(newest))
        found = int(answer)
    if found > newest:
        raise NewerVersionError("The index in Redis", found, newest)
