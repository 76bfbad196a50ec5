-- Takes the cost of one call out of every window of an account, or out of none.
--
-- A window is divided into twenty buckets, so at most `limit` points are granted in any period of the window's length,
-- wherever it starts; the oldest bucket counts whole, which costs up to a twentieth of the rate.
--
-- KEYS[1]  hash of the account: `<window>:<bucket>` = points taken, `<window>:limit` = limit told by the vendor
-- ARGV     for each window: name, length in ms, default limit, cost (0: only reported)
-- Returns  wait in ms (0: granted), then for each window: limit, points taken, ms until the oldest bucket expires
local buckets = 20
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields = redis.call('HGETALL', KEYS[1])
local hash = {}
for i = 1, #fields, 2 do hash[fields[i]] = fields[i + 1] end

local wait = 0
local result = { 0 }
local takes = {}
local keepMs = 0
for i = 1, #ARGV, 4 do
  local name, length, cost = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 3])
  local limit = tonumber(hash[name .. ':limit'] or ARGV[i + 2])
  local width = length / buckets
  local current = math.floor(now / width)
  local taken, oldest = 0, nil
  for bucket = current - buckets, current do
    local points = tonumber(hash[name .. ':' .. bucket] or 0)
    taken = taken + points
    if points > 0 and oldest == nil then oldest = bucket end
  end
  -- A call that costs more than the limit is possible once nothing else is in the window.
  if cost > 0 and taken + cost > limit and taken > 0 then
    local free, bucket = limit - taken, current - buckets
    while free < math.min(cost, limit) and bucket <= current do
      free = free + tonumber(hash[name .. ':' .. bucket] or 0)
      bucket = bucket + 1
    end
    wait = math.max(wait, math.ceil((bucket + buckets) * width - now))
  end
  if cost > 0 then takes[#takes + 1] = { name .. ':' .. current, cost } end
  keepMs = math.max(keepMs, math.ceil(2 * length))
  result[#result + 1] = limit
  result[#result + 1] = taken
  result[#result + 1] = oldest == nil and 0 or math.ceil((oldest + buckets + 1) * width - now)
  for field in pairs(hash) do
    local prefix = name .. ':'
    if string.sub(field, 1, #prefix) == prefix then
      local bucket = tonumber(string.sub(field, #prefix + 1))
      if bucket ~= nil and bucket < current - buckets then redis.call('HDEL', KEYS[1], field) end
    end
  end
end
if wait == 0 then
  for _, take in ipairs(takes) do redis.call('HINCRBY', KEYS[1], take[1], take[2]) end
  if #takes > 0 then redis.call('PEXPIRE', KEYS[1], keepMs) end
end
result[1] = wait
return result
