"""What Redis runs as a whole for the store of many machines, in Lua. remote.py says what its keys are."""

CHANGE = """
-- KEYS: records, ids, objects, uses, pending, doomed
-- ARGV: id, record before, record after (empty for none), number of photos given up, their sha256, then sha256 and name
-- of the object of each photo taken. Answers {'changed'} where anything isn't as the caller saw it, else {'done',
-- sha256 of what nothing uses any more ...}.
local records, ids, objects, uses, pending, doomed = unpack(KEYS)
local id, before, after, given_up = ARGV[1], ARGV[2], ARGV[3], 4 + tonumber(ARGV[4])
if (redis.call('HGET', records, id) or '') ~= before then return {'changed'} end
for i = given_up + 1, #ARGV, 2 do
  local name = ARGV[i + 1]
  local known = redis.call('HGET', objects, ARGV[i]) == name or redis.call('ZSCORE', pending, name)
  if not known then return {'changed'} end
end
for i = given_up + 1, #ARGV, 2 do
  local sha256, name = ARGV[i], ARGV[i + 1]
  local known = redis.call('HGET', objects, sha256)
  if known and known ~= name then redis.call('SADD', doomed, known) end
  redis.call('HSET', objects, sha256, name)
  redis.call('ZREM', pending, name)
  redis.call('HINCRBY', uses, sha256, 1)
end
local answer = {'done'}
for i = 5, given_up do
  local sha256 = ARGV[i]
  if redis.call('HINCRBY', uses, sha256, -1) == 0 then
    redis.call('SADD', doomed, redis.call('HGET', objects, sha256))
    redis.call('HDEL', objects, sha256)
    redis.call('HDEL', uses, sha256)
    answer[#answer + 1] = sha256
  end
end
if after == '' then
  redis.call('HDEL', records, id)
  redis.call('ZREM', ids, id)
else
  redis.call('HSET', records, id, after)
  redis.call('ZADD', ids, 0, id)
end
return answer
"""

BEGIN_UPLOAD = "return redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])"

DOOMED = """
-- KEYS: pending, doomed, held. ARGV: age in seconds. Gives up what is older and answers every name to remove.
if redis.call('ZCOUNT', KEYS[3], redis.call('TIME')[1], '+inf') > 0 then return {} end
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] - ARGV[1])
for _, name in ipairs(old) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('SADD', KEYS[2], name)
end
return redis.call('SMEMBERS', KEYS[2])
"""
