-- Adopts what a vendor says about one window of an account.
--
-- KEYS[1]  hash of the account, as in take-budget.lua
-- ARGV     window, length in ms, limit ('' if unknown), points that the vendor has left ('' if unknown), default limit
local buckets = 20
local name, length = ARGV[1], tonumber(ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], name .. ':limit', ARGV[3]) end
if ARGV[4] ~= '' then
  -- Another program uses the account, too: what it took is charged to the current bucket.
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local current = math.floor(now / (length / buckets))
  local limit = tonumber(redis.call('HGET', KEYS[1], name .. ':limit') or ARGV[5])
  local names = {}
  for bucket = current - buckets, current do names[#names + 1] = name .. ':' .. bucket end
  local taken = 0
  for _, points in ipairs(redis.call('HMGET', KEYS[1], unpack(names))) do taken = taken + tonumber(points or 0) end
  local others = limit - taken - tonumber(ARGV[4])
  if others > 0 then redis.call('HINCRBY', KEYS[1], name .. ':' .. current, others) end
end
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), 2 * length))
return 0
